//! What the system says of this process.

use std::fs;

/// Memory, time and files.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ProcessReading {
    /// Resident memory.
    pub resident_bytes: u64,
    /// Processor time, user and system.
    pub cpu_seconds: f64,
    /// Threads.
    pub threads: u64,
    /// Open files, sockets included.
    pub open_files: u64,
}

/// Clock ticks a second in `/proc`: fixed by the kernel's interface to programs.
const TICKS_PER_SECOND: f64 = 100.0;

impl ProcessReading {
    /// Right now; `None` where there is no `/proc`.
    #[must_use]
    pub fn now() -> Option<Self> {
        let status = fs::read_to_string("/proc/self/status").ok()?;
        let stat = fs::read_to_string("/proc/self/stat").ok()?;
        let open_files = u64::try_from(fs::read_dir("/proc/self/fd").ok()?.count()).ok()?;
        Self::parse(&status, &stat, open_files)
    }

    fn parse(status: &str, stat: &str, open_files: u64) -> Option<Self> {
        let field = |name: &str| -> Option<u64> {
            let line = status.lines().find(|line| line.starts_with(name))?;
            line.split_whitespace().nth(1)?.parse().ok()
        };
        // The program's name may hold spaces; what follows the last parenthesis holds none.
        let (_, numbers) = stat.rsplit_once(')')?;
        let mut numbers = numbers.split_whitespace().skip(11);
        let mut ticks = || -> Option<f64> { numbers.next()?.parse().ok() };
        let (user, system) = (ticks()?, ticks()?);
        Some(Self {
            resident_bytes: field("VmRSS:")?.saturating_mul(1024),
            cpu_seconds: (user + system) / TICKS_PER_SECOND,
            threads: field("Threads:")?,
            open_files,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The fields are found, also if the program's name is an odd one.
    #[test]
    fn reads_what_the_kernel_writes() {
        let status = "Name:\tx\nVmRSS:\t    2048 kB\nThreads:\t7\n";
        let stat = "1 (a) b) S 1 1 1 0 -1 0 1 2 3 4 150 50 0 0 20 0 7 0";
        let found = ProcessReading::parse(status, stat, 9).expect("it is well formed");
        assert_eq!((found.resident_bytes, found.threads, found.open_files), (2_097_152, 7, 9));
        assert!((found.cpu_seconds - 2.0).abs() < 1e-9, "{found:?}");
        assert_eq!(ProcessReading::parse("", "", 0), None);
    }
}
