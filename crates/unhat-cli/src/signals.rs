//! The signals that ask a run to stop: Ctrl-C or SIGTERM; a second one ends it.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

/// The exit code of an interrupted run, as shells count it: 128 + SIGINT.
pub(crate) const INTERRUPTED: u8 = 130;

static STOP: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// From now on the first Ctrl-C or SIGTERM sets the flag that is returned, and the second ends the process at once.
///
/// Before the first call Ctrl-C has its usual effect: while files are read there is nothing yet that could be saved.
pub(crate) fn stop_on_interrupt() -> &'static AtomicBool {
    STOP.get_or_init(|| {
        let stop = Arc::new(AtomicBool::new(false));
        // In this order: the second signal finds the flag set by the first. Where a handler cannot be set (there is no
        // reason known), Ctrl-C ends the process without saving anything.
        for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
            let _ = signal_hook::flag::register_conditional_shutdown(signal, INTERRUPTED.into(), Arc::clone(&stop));
            let _ = signal_hook::flag::register(signal, Arc::clone(&stop));
        }
        stop
    })
}
