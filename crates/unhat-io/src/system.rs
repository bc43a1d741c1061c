//! What only an operating system knows: which file a name stands for, names that are no text, and how much memory there is.
//! All code that differs between systems is here.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

/// What tells a file from every other one, whatever it is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileIdentity {
    /// Device and number.
    Number(u64, u64),
    /// Its name without links, where the system has no numbers.
    Name(PathBuf),
}

/// The identity of the file that a name leads to, links followed; None where there is none.
pub fn file_identity(path: &str) -> Option<FileIdentity> {
    let path = path_of(path);
    let found = fs::metadata(&path).ok()?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        Some(FileIdentity::Number(found.dev(), found.ino()))
    }
    #[cfg(not(unix))]
    {
        let _ = found;
        fs::canonicalize(path).ok().map(FileIdentity::Name)
    }
}

/// Removes the file of this name, if it is still the one that `own` was taken from.
pub(crate) fn remove_own(path: &str, own: Option<&FileIdentity>) {
    if own.is_some() && file_identity(path).as_ref() == own {
        let _ = std::fs::remove_file(place_of(path));
    }
}

/// Links that are followed before a chain of them counts as endless.
const MOST_LINKS: usize = 40;

/// The place that a name leads to, links followed, also where there is no file yet.
pub fn place_of(path: &str) -> PathBuf {
    let mut place = path_of(path);
    for _ in 0..MOST_LINKS {
        if let Ok(canonical) = fs::canonicalize(&place) {
            return canonical;
        }
        let parent = place.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let parent = fs::canonicalize(parent).unwrap_or_else(|_| parent.to_path_buf());
        match fs::read_link(&place) {
            Ok(target) => place = parent.join(target),
            Err(_) => return place.file_name().map(|name| parent.join(name)).unwrap_or(place),
        }
    }
    place
}

/// Bytes of a name that are no UTF-8 stand in text as one private character each, this one and the byte.
const BYTE: u32 = 0x0010_FE00;

/// The byte that a character stands for, where it stands for one.
pub(crate) fn byte_of(sign: char) -> Option<u8> {
    let offset = u32::from(sign).checked_sub(BYTE)?;
    u8::try_from(offset).ok().filter(|byte| *byte >= 0x80)
}

/// A word of the command line as text, from which [`path_of`] gives every byte back.
///
/// Bytes that are no UTF-8 become private characters; so do the bytes of those characters themselves.
pub fn text_of(word: OsString) -> String {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStringExt;
        let escaped = |byte: &u8| char::from_u32(BYTE + u32::from(*byte)).unwrap_or(char::REPLACEMENT_CHARACTER);
        let mut text = String::new();
        for chunk in word.into_vec().utf8_chunks() {
            for sign in chunk.valid().chars() {
                match byte_of(sign) {
                    None => text.push(sign),
                    Some(_) => text.extend(sign.encode_utf8(&mut [0; 4]).as_bytes().iter().map(escaped)),
                }
            }
            text.extend(chunk.invalid().iter().map(escaped));
        }
        text
    }
    #[cfg(not(unix))]
    {
        word.to_string_lossy().into_owned()
    }
}

/// The path that text of [`text_of`] stands for; other text stands for itself.
pub fn path_of(text: &str) -> PathBuf {
    #[cfg(unix)]
    if text.chars().any(|sign| byte_of(sign).is_some()) {
        use std::os::unix::ffi::OsStringExt;
        let mut bytes = Vec::with_capacity(text.len());
        for sign in text.chars() {
            match byte_of(sign) {
                Some(byte) => bytes.push(byte),
                None => bytes.extend_from_slice(sign.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        return PathBuf::from(OsString::from_vec(bytes));
    }
    PathBuf::from(text)
}

/// From now on a file that grows beyond the limit set for the process makes the write fail, with a message, instead of
/// ending the process.
pub fn survive_file_size_limit() {
    #[cfg(unix)]
    {
        use std::sync::atomic::AtomicBool;
        use std::sync::{Arc, OnceLock};
        static REACHED: OnceLock<Arc<AtomicBool>> = OnceLock::new();
        REACHED.get_or_init(|| {
            let reached = Arc::new(AtomicBool::new(false));
            let _ = signal_hook::flag::register(signal_hook::consts::signal::SIGXFSZ, Arc::clone(&reached));
            reached
        });
    }
}

/// Permissions of a new file: what the user's mask leaves of read and write for all.
#[cfg(unix)]
pub(crate) fn readable() -> Option<fs::Permissions> {
    use std::os::unix::fs::PermissionsExt;
    Some(fs::Permissions::from_mode(0o666))
}

#[cfg(not(unix))]
pub(crate) fn readable() -> Option<fs::Permissions> {
    None
}

/// Bytes that this process may still take: of the machine, of its address space, of its cgroup, the least. None where the
/// system says nothing.
pub fn memory_of_process() -> Option<u64> {
    [machine_memory(), address_space_left(), cgroup_limit()].into_iter().flatten().min()
}

/// The number of kB behind `key` in a file of lines such as `VmSize:  123 kB`.
fn kilobytes(file: &str, key: &str) -> Option<u64> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    line.trim_start_matches(':').split_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
}

/// Bytes that the machine could give now without swapping, where the system says so.
pub(crate) fn memory_available() -> Option<u64> {
    kilobytes("/proc/meminfo", "MemAvailable")
}

/// Fills `bytes` from a place in a file, whatever others read of it meanwhile.
#[cfg(unix)]
pub(crate) fn read_at(file: &fs::File, bytes: &mut [u8], at: u64) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, at)
}

#[cfg(windows)]
pub(crate) fn read_at(file: &fs::File, mut bytes: &mut [u8], mut at: u64) -> std::io::Result<()> {
    while !bytes.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, bytes, at)? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            count => (bytes, at) = (&mut bytes[count..], at + count as u64),
        }
    }
    Ok(())
}

fn machine_memory() -> Option<u64> {
    kilobytes("/proc/meminfo", "MemTotal")
}

#[cfg(unix)]
fn address_space_left() -> Option<u64> {
    let limit = rustix::process::getrlimit(rustix::process::Resource::As).current?;
    Some(limit.saturating_sub(kilobytes("/proc/self/status", "VmSize").unwrap_or(0)))
}

#[cfg(not(unix))]
fn address_space_left() -> Option<u64> {
    None
}

/// The least limit of the cgroups of this process, version 2 or 1.
fn cgroup_limit() -> Option<u64> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let limits = groups.lines().filter_map(|line| {
        let mut fields = line.splitn(3, ':');
        let (_, controllers, group) = (fields.next()?, fields.next()?, fields.next()?);
        let (root, file) = match controllers {
            "" => ("/sys/fs/cgroup", "memory.max"),
            _ if controllers.split(',').any(|c| c == "memory") => ("/sys/fs/cgroup/memory", "memory.limit_in_bytes"),
            _ => return None,
        };
        let folder = Path::new(root).join(group.trim_start_matches('/'));
        let above = folder.ancestors().take_while(|folder| folder.starts_with(root));
        above.filter_map(|folder| fs::read_to_string(folder.join(file)).ok()?.trim().parse::<u64>().ok()).min()
    });
    limits.min()
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::os::unix::ffi::{OsStrExt, OsStringExt};

    #[test]
    fn names_of_any_bytes_come_back_from_text() {
        for bytes in [&b"plain.csv"[..], b"caf\xe9.csv", b"\xff\xfe", "\u{10FE80}é".as_bytes()] {
            let text = text_of(OsString::from_vec(bytes.to_vec()));
            assert_eq!(path_of(&text).as_os_str().as_bytes(), bytes);
        }
        assert_eq!(text_of("é.csv".into()), "é.csv");
    }

    #[test]
    fn the_memory_of_this_process_is_known_on_linux() {
        assert!(!cfg!(target_os = "linux") || memory_of_process().is_some_and(|bytes| bytes > 1 << 20));
    }

    #[test]
    fn links_lead_to_one_place_whether_there_is_a_file_or_not() {
        let folder = tempfile::tempdir().unwrap();
        let name = |name: &str| folder.path().join(name).display().to_string();
        std::os::unix::fs::symlink("not-there-yet", name("link")).unwrap();
        assert_eq!(place_of(&name("link")), place_of(&name("not-there-yet")));
        std::fs::write(name("a"), "").unwrap();
        std::fs::hard_link(name("a"), name("b")).unwrap();
        assert_eq!(file_identity(&name("a")), file_identity(&name("b")));
        assert_ne!(place_of(&name("a")), place_of(&name("b")));
    }
}
