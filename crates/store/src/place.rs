//! Where a data folder may be: not where several machines, or a program that copies files, change it behind our back.
//!
//! Locks and shared memory of SQLite mean nothing on a network file system, and a program that keeps a folder equal
//! on two machines copies database and log at different moments. Both have destroyed histories of others, silently.

use std::path::{Component, Path};

use crate::error::StoreError;

/// Refuses a folder (which need not be there yet) where a database is not safe.
pub(crate) fn refuse_unsafe(dir: &Path) -> Result<(), StoreError> {
    let whole = std::path::absolute(dir).unwrap_or_else(|_| dir.to_path_buf());
    // A link into such a folder is as bad; what is not there yet is judged by the folder above it.
    let existing = whole.ancestors().find(|folder| folder.exists());
    let real = existing.and_then(|folder| folder.canonicalize().ok());
    let found = cloud(&whole)
        .or_else(|| real.as_deref().and_then(cloud))
        .or_else(|| real.as_deref().and_then(network));
    match found {
        None => Ok(()),
        Some(why) => Err(StoreError::UnsafeFolder {
            path: dir.to_path_buf(),
            why,
        }),
    }
}

/// The program that keeps a folder equal on several machines, if this is in one of its folders.
fn cloud(path: &Path) -> Option<String> {
    let named = path.components().find_map(|part| match part {
        Component::Normal(name) => by_name(&name.to_string_lossy()),
        Component::Prefix(_) | Component::RootDir | Component::CurDir | Component::ParentDir => {
            None
        }
    });
    let marked = || {
        let marks = [
            (".dropbox", "Dropbox"),
            (".dropbox.cache", "Dropbox"),
            (".stfolder", "Syncthing"),
            (".owncloudsync.log", "ownCloud or Nextcloud"),
        ];
        path.ancestors().find_map(|folder| {
            let mark = marks.iter().find(|(mark, _)| {
                // `~/.dropbox` is where that program keeps its own settings.
                folder.join(mark).exists() && !(*mark == ".dropbox" && folder.join(mark).is_dir())
            });
            mark.map(|(_, name)| *name)
        })
    };
    let name = named.or_else(marked)?;
    Some(format!("{name} copies what is in it to other machines"))
}

/// The names that these programs give to their folders.
fn by_name(name: &str) -> Option<&'static str> {
    let name = name.to_lowercase();
    let is_or_begins = |word: &str| {
        name.strip_prefix(word)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '-', '(']))
    };
    if is_or_begins("dropbox") {
        Some("Dropbox")
    } else if is_or_begins("onedrive") {
        Some("OneDrive")
    } else if name == "mobile documents" || name == "iclouddrive" || name == "icloud drive" {
        Some("iCloud")
    } else if is_or_begins("google drive") || is_or_begins("googledrive") {
        Some("Google Drive")
    } else if name == "cloudstorage" {
        Some("a cloud storage")
    } else if is_or_begins("nextcloud") || is_or_begins("owncloud") {
        Some("ownCloud or Nextcloud")
    } else if is_or_begins("pclouddrive") {
        Some("pCloud")
    } else {
        None
    }
}

/// The network file system that a folder is on.
#[cfg(target_os = "linux")]
fn network(real: &Path) -> Option<String> {
    let about = rustix::fs::statfs(real).ok()?;
    // The number is 32 bits wide; some systems give it with a sign.
    #[expect(
        clippy::cast_sign_loss,
        clippy::cast_possible_truncation,
        reason = "only these bits mean something"
    )]
    let magic = about.f_type as u32;
    let name = is_fuse(magic).then(|| mounted_as(real)).flatten();
    by_magic(magic, name.as_deref())
}

#[cfg(target_os = "macos")]
fn network(real: &Path) -> Option<String> {
    let about = rustix::fs::statfs(real).ok()?;
    let name: String = about
        .f_fstypename
        .iter()
        .take_while(|byte| **byte != 0)
        .filter_map(|byte| u8::try_from(*byte).ok())
        .map(char::from)
        .collect();
    let is_network = ["nfs", "smbfs", "afpfs", "webdav", "ftp"].contains(&name.as_str())
        || name.contains("fuse");
    is_network.then(|| format!("it is on a network file system ({name})"))
}

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
fn network(real: &Path) -> Option<String> {
    let Some(Component::Prefix(prefix)) = real.components().next() else {
        return None;
    };
    matches!(
        prefix.kind(),
        std::path::Prefix::UNC(..) | std::path::Prefix::VerbatimUNC(..)
    )
    .then(|| "it is on a network share".to_owned())
}

/// File systems in which several machines may change a file, by the number that `statfs` gives.
#[cfg(any(target_os = "linux", test))]
const NETWORK: &[(u32, &str)] = &[
    (0x6969, "NFS"),
    (0x517B, "SMB"),
    (0xFF53_4D42, "CIFS"),
    (0xFE53_4D42, "SMB2"),
    (0x0102_1997, "9P"),
    (0x5346_414F, "AFS"),
    (0x6B41_4653, "AFS"),
    (0x7375_7245, "Coda"),
    (0x564C, "NCP"),
    (0x00C3_6400, "Ceph"),
    (0x0BD0_0BD0, "Lustre"),
    (0x4750_4653, "GPFS"),
    (0x0116_1970, "GFS2"),
    (0x7461_636F, "OCFS2"),
    (0x786F_4256, "VirtualBox shared folder"),
];

#[cfg(any(target_os = "linux", test))]
fn is_fuse(magic: u32) -> bool {
    magic == 0x6573_5546
}

/// `mounted` is the exact name of a file system in user space.
#[cfg(any(target_os = "linux", test))]
fn by_magic(magic: u32, mounted: Option<&str>) -> Option<String> {
    if is_fuse(magic) {
        // These two are disks of this machine.
        let is_local = matches!(mounted, Some("fuseblk" | "fuse.fuse-overlayfs"));
        let name = mounted.unwrap_or("FUSE");
        return (!is_local)
            .then(|| format!("it is on a file system whose locks cannot be relied on ({name})"));
    }
    let (_, name) = NETWORK.iter().find(|(known, _)| *known == magic)?;
    Some(format!("it is on a network file system ({name})"))
}

/// The name of the file system that is mounted above `path`.
#[cfg(target_os = "linux")]
fn mounted_as(path: &Path) -> Option<String> {
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").ok()?;
    mount_in(&mounts, path)
}

#[cfg(any(target_os = "linux", test))]
fn mount_in(mounts: &str, path: &Path) -> Option<String> {
    let mounts = mounts.lines().filter_map(|line| {
        let (before, after) = line.split_once(" - ")?;
        let point = before.split(' ').nth(4)?.replace("\\040", " ");
        let name = after.split(' ').next()?;
        Some((point, name))
    });
    mounts
        .filter(|(point, _)| path.starts_with(point))
        // Of two at the same place, the later one is on top.
        .max_by_key(|(point, _)| point.len())
        .map(|(_, name)| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn network_file_systems_are_known_by_their_number() {
        for (magic, word) in [
            (0x6969, "NFS"),
            (0xFF53_4D42, "CIFS"),
            (0xFE53_4D42, "SMB2"),
            (0x0102_1997, "9P"),
        ] {
            assert!(by_magic(magic, None).is_some_and(|why| why.contains(word)));
        }
        // ext4, tmpfs, btrfs, xfs, overlayfs, zfs
        for magic in [
            0xEF53,
            0x0102_1994,
            0x9123_683E,
            0x5846_5342,
            0x794C_7630,
            0x2FC1_2FC1,
        ] {
            assert_eq!(by_magic(magic, None), None, "{magic:x}");
        }
    }

    #[test]
    fn a_file_system_in_user_space_is_judged_by_its_name() {
        let fuse = 0x6573_5546;
        assert!(by_magic(fuse, Some("fuse.sshfs")).is_some_and(|why| why.contains("sshfs")));
        assert!(by_magic(fuse, None).is_some());
        assert_eq!(by_magic(fuse, Some("fuseblk")), None);
        let mounts = "1 0 8:1 / / rw - ext4 /dev/a rw\n\
                      2 1 0:2 / /home/ada/far\\040away rw - fuse.sshfs there: rw\n\
                      3 1 0:3 / /home/ada rw shared:1 - btrfs /dev/b rw\n";
        let at = |path: &str| mount_in(mounts, Path::new(path));
        assert_eq!(at("/home/ada/far away/data").as_deref(), Some("fuse.sshfs"));
        assert_eq!(at("/home/ada/far").as_deref(), Some("btrfs"));
        assert_eq!(at("/var").as_deref(), Some("ext4"));
    }

    #[test]
    fn folders_of_sync_programs_are_known_by_their_names() {
        for (path, word) in [
            ("/home/ada/Dropbox/baton", "Dropbox"),
            ("/home/ada/Dropbox (Work)/x", "Dropbox"),
            ("/home/ada/OneDrive - Acme/data", "OneDrive"),
            ("/home/ada/Library/Mobile Documents/x", "iCloud"),
            ("/home/ada/Library/CloudStorage/GoogleDrive-a", "cloud"),
            ("/home/ada/Google Drive/x", "Google Drive"),
            ("/home/ada/Nextcloud", "Nextcloud"),
        ] {
            assert!(
                cloud(Path::new(path)).is_some_and(|why| why.contains(word)),
                "{path}"
            );
        }
        for path in [
            "/home/ada/dropboxes/x",
            "/home/ada/onedriveway",
            "/srv/baton",
        ] {
            assert_eq!(cloud(Path::new(path)), None, "{path}");
        }
    }

    #[test]
    fn a_link_into_such_a_folder_is_noticed_before_anything_is_made() {
        let dir = tempfile::tempdir().unwrap();
        let synced = dir.path().join("Synced");
        std::fs::create_dir_all(synced.join(".stfolder")).unwrap();
        let inside = synced.join("deep/data");
        let refused = refuse_unsafe(&inside);
        assert!(
            matches!(&refused, Err(StoreError::UnsafeFolder { why, .. }) if why.contains("Syncthing")),
            "{refused:?}"
        );
        assert!(!inside.exists());
        #[cfg(unix)]
        {
            let link = dir.path().join("innocent");
            std::os::unix::fs::symlink(&synced, &link).unwrap();
            assert!(refuse_unsafe(&link.join("data")).is_err());
        }
        refuse_unsafe(&dir.path().join("data")).unwrap();
    }
}
