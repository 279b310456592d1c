//! A file system of some kilobytes, which is full soon and can be made read-only.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

/// A file system in memory, which is unmounted when it is dropped.
#[derive(Debug)]
pub struct SmallDisk(TempDir);

impl SmallDisk {
    /// Mounts one of so many KiB. `None`, with the reason printed, where this process may not mount.
    ///
    /// # Panics
    ///
    /// There is no directory for it.
    pub fn mount(kib: u32) -> Option<Self> {
        let directory = tempfile::Builder::new().prefix("disk").tempdir().expect("a directory");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={kib}k,mode=0700"), "tmpfs"]);
        let mounted = mount.arg(directory.path()).output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(Self(directory));
        }
        eprintln!("skipped: this process may not mount a file system (run as root)");
        None
    }

    /// Where it is mounted.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Fills it with a file, to the last byte.
    pub fn fill(&self) {
        let whole = vec![0; 64 * 1024 * 1024];
        // It fails, and has written what there was room for.
        let _ = fs::write(self.filling(), whole);
    }

    /// Removes that file.
    ///
    /// # Panics
    ///
    /// There is none.
    pub fn free(&self) {
        fs::remove_file(self.filling()).expect("it was filled");
    }

    /// Mounts it again, for reading alone or for writing too.
    ///
    /// # Panics
    ///
    /// A file is open for writing.
    pub fn set_read_only(&self, is_read_only: bool) {
        let how = if is_read_only { "remount,ro" } else { "remount,rw" };
        let status = Command::new("mount").args(["-o", how]).arg(self.path()).status();
        assert!(status.expect("mount runs").success(), "{how}");
    }

    fn filling(&self) -> PathBuf {
        self.path().join("filling")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}
