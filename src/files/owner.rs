//! The process that a temporary object belongs to, and whether that process still runs.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::{SystemTime, UNIX_EPOCH};

/// A process: its machine (or container), its id there, and its start time, because process ids are reused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    machine: u32,
    process: u32,
    started: u64,
}

impl std::fmt::Display for Owner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:08x}_{}_{:x}", self.machine, self.process, self.started)
    }
}

impl Owner {
    /// Reads what `Display` wrote.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('_');
        let owner = Self {
            machine: u32::from_str_radix(parts.next()?, 16).ok()?,
            process: parts.next()?.parse().ok()?,
            started: u64::from_str_radix(parts.next()?, 16).ok()?,
        };
        parts.next().is_none().then_some(owner)
    }

    /// Returns true if the process has ended, and None if it runs on another machine and is not visible from here.
    pub(crate) fn is_gone(&self) -> Option<bool> {
        (self.machine == machine()).then(|| start_time(self.process) != Some(self.started))
    }
}

/// This process.
pub(crate) fn this_process() -> Owner {
    let process = std::process::id();
    Owner { machine: machine(), process, started: start_time(process).unwrap_or(0) }
}

/// A number for this boot of this machine and its namespace of process ids (each container has its own).
fn machine() -> u32 {
    let mut hasher = DefaultHasher::new();
    for file in ["/proc/sys/kernel/random/boot_id", "/proc/sys/kernel/hostname", "/etc/machine-id"] {
        fs::read(file).unwrap_or_default().hash(&mut hasher);
    }
    fs::read_link("/proc/self/ns/pid").ok().hash(&mut hasher);
    // Half of the bits are enough, and keep names short.
    u32::try_from(hasher.finish() >> 32).unwrap_or_default()
}

/// The start time of a process in the kernel's ticks: field 22 of `/proc/PID/stat`, counted after the name, which
/// may contain spaces and parentheses. On systems without `/proc`, a hash of what `ps` prints.
fn start_time(process: u32) -> Option<u64> {
    if fs::exists("/proc/self/stat").unwrap_or(false) {
        let text = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
        return text.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok();
    }
    let output =
        std::process::Command::new("ps").args(["-o", "lstart=", "-p", &process.to_string()]).output().ok()?;
    if !output.status.success() {
        return None;
    }
    let mut hasher = DefaultHasher::new();
    output.stdout.hash(&mut hasher);
    Some(hasher.finish() >> 16)
}

/// The current time in seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |passed| passed.as_secs())
}

#[cfg(test)]
mod tests {
    use super::{Owner, this_process};

    #[test]
    fn owner_reads_back_and_is_recognized() {
        let me = this_process();
        assert_eq!(Owner::parse(&me.to_string()), Some(me.clone()));
        assert_eq!(me.is_gone(), Some(false));
        let earlier = Owner { started: me.started + 1, ..me.clone() };
        assert_eq!(earlier.is_gone(), Some(true));
        let elsewhere = Owner { machine: me.machine ^ 1, ..me };
        assert_eq!(elsewhere.is_gone(), None);
        assert_eq!(Owner::parse("x_1_2"), None);
        assert_eq!(Owner::parse("1_1_2_3"), None);
    }
}
