//! Which file of a crate uses which other: imports and paths as the compiler resolves them, re-exports followed to the file
//! that defines the name. Tests and what macros hide are left out.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use syn::visit::{self, Visit};
use syn::{Item, UseTree};

/// The names of a module.
#[derive(Default)]
struct Module {
    file: PathBuf,
    /// Defined in this file.
    own: BTreeSet<String>,
    /// Brought in: name → path.
    brought: BTreeMap<String, Vec<String>>,
    /// Brought in as a whole: `use path::*`.
    globs: Vec<Vec<String>>,
    /// What the code of the module names: paths.
    named: Vec<Vec<String>>,
}

/// The modules of one crate by their paths, the root being empty.
pub struct Sources {
    modules: BTreeMap<Vec<String>, Module>,
}

impl Sources {
    /// Reads a crate from its `lib.rs`.
    pub fn of(source: &Path) -> Sources {
        let mut sources = Sources { modules: BTreeMap::new() };
        sources.read(source.join("lib.rs"), Vec::new());
        sources
    }

    fn read(&mut self, file: PathBuf, path: Vec<String>) {
        let text = std::fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        let parsed = syn::parse_file(&text).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        self.add(&file, path, &parsed.items);
    }

    fn add(&mut self, file: &Path, path: Vec<String>, items: &[Item]) {
        let mut module = Module { file: file.to_path_buf(), ..Module::default() };
        let stem = file.file_stem().unwrap();
        let folder =
            if stem == "mod" || stem == "lib" { file.parent().unwrap().to_path_buf() } else { file.with_extension("") };
        for item in items {
            if for_tests(item) {
                continue;
            }
            match item {
                Item::Mod(inner) => {
                    let name = inner.ident.to_string();
                    let deeper = [path.clone(), vec![name.clone()]].concat();
                    match &inner.content {
                        Some((_, items)) => self.add(file, deeper, items),
                        None => {
                            let flat = folder.join(format!("{name}.rs"));
                            self.read(if flat.exists() { flat } else { folder.join(&name).join("mod.rs") }, deeper);
                        }
                    }
                }
                Item::Use(import) => {
                    // What a façade hands on is no use of it.
                    let handed_on = !matches!(import.vis, syn::Visibility::Inherited);
                    module.bring(&import.tree, Vec::new(), handed_on);
                }
                _ => {
                    module.own.extend(name_of(item));
                    Paths(&mut module.named).visit_item(item);
                }
            }
        }
        self.modules.insert(path, module);
    }

    /// The files that each file uses, itself left out.
    pub fn imports(&self) -> BTreeMap<PathBuf, BTreeSet<PathBuf>> {
        let mut imports: BTreeMap<PathBuf, BTreeSet<PathBuf>> = BTreeMap::new();
        for (path, module) in &self.modules {
            let used = module.named.iter().filter_map(|named| self.file_of(path, named, 0));
            let used: Vec<_> = used.filter(|file| *file != module.file).collect();
            imports.entry(module.file.clone()).or_default().extend(used);
        }
        imports
    }

    /// The file that defines what `named` means in the module `at`; None for what is another crate's.
    fn file_of(&self, at: &[String], named: &[String], depth: usize) -> Option<PathBuf> {
        let (first, rest) = named.split_first()?;
        if depth > 12 {
            return None;
        }
        let module = self.modules.get(at)?;
        match first.as_str() {
            "crate" => return self.below(&[], rest, depth),
            "self" => return self.below(at, rest, depth),
            "super" => return self.below(at.split_last()?.1, rest, depth),
            _ => {}
        }
        let child = [at, std::slice::from_ref(first)].concat();
        if self.modules.contains_key(&child) {
            return self.below(&child, rest, depth);
        }
        let brought = module.brought.get(first)?;
        (brought.first() != Some(first)).then(|| self.file_of(at, &[brought, rest].concat(), depth + 1))?
    }

    /// What `rest` means below the module `at`.
    fn below(&self, at: &[String], rest: &[String], depth: usize) -> Option<PathBuf> {
        let module = self.modules.get(at)?;
        let Some((first, more)) = rest.split_first() else { return Some(module.file.clone()) };
        if first == "super" {
            return self.below(at.split_last()?.1, more, depth);
        }
        if module.own.contains(first) {
            return Some(module.file.clone());
        }
        let child = [at, std::slice::from_ref(first)].concat();
        if self.modules.contains_key(&child) {
            return self.below(&child, more, depth);
        }
        if let Some(brought) = module.brought.get(first) {
            return self.file_of(at, &[brought, more].concat(), depth + 1);
        }
        module
            .globs
            .iter()
            .find_map(|glob| self.file_of(at, &[glob.as_slice(), rest].concat(), depth + 1).filter(|_| depth < 12))
    }
}

impl Module {
    fn bring(&mut self, tree: &UseTree, before: Vec<String>, handed_on: bool) {
        let with = |name: String| [before.clone(), vec![name]].concat();
        let bring = |module: &mut Module, name: String, path: Vec<String>| {
            if !handed_on {
                module.named.push(path.clone());
            }
            module.brought.insert(name, path);
        };
        match tree {
            UseTree::Path(path) => self.bring(&path.tree, with(path.ident.to_string()), handed_on),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.bring(tree, before.clone(), handed_on)),
            UseTree::Name(name) if name.ident == "self" => {
                let last = before.last().cloned().unwrap_or_default();
                bring(self, last, before.clone());
            }
            UseTree::Name(name) => bring(self, name.ident.to_string(), with(name.ident.to_string())),
            UseTree::Rename(renamed) => bring(self, renamed.rename.to_string(), with(renamed.ident.to_string())),
            UseTree::Glob(_) => {
                if !handed_on {
                    self.named.push(before.clone());
                }
                self.globs.push(before);
            }
        }
    }
}

/// The name that an item defines.
fn name_of(item: &Item) -> Option<String> {
    Some(match item {
        Item::Const(i) => i.ident.to_string(),
        Item::Enum(i) => i.ident.to_string(),
        Item::Fn(i) => i.sig.ident.to_string(),
        Item::Static(i) => i.ident.to_string(),
        Item::Struct(i) => i.ident.to_string(),
        Item::Trait(i) => i.ident.to_string(),
        Item::Type(i) => i.ident.to_string(),
        Item::Union(i) => i.ident.to_string(),
        _ => return None,
    })
}

fn for_tests(item: &Item) -> bool {
    let attributes = match item {
        Item::Mod(i) => &i.attrs,
        Item::Fn(i) => &i.attrs,
        Item::Use(i) => &i.attrs,
        Item::Struct(i) => &i.attrs,
        Item::Impl(i) => &i.attrs,
        _ => return false,
    };
    attributes
        .iter()
        .any(|a| a.path().is_ident("cfg") && a.meta.require_list().is_ok_and(|list| list.tokens.to_string() == "test"))
}

/// Collects the paths that code names.
struct Paths<'a>(&'a mut Vec<Vec<String>>);

impl<'ast> Visit<'ast> for Paths<'_> {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.leading_colon.is_none() && path.segments.len() > 1 {
            self.0.push(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        }
        visit::visit_path(self, path);
    }
}
