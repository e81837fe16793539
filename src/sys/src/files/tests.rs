use super::*;
use crate::testing::{Scratch, give_away, is_root, set_mode};
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;

const LIMIT: usize = 1000;

fn read(path: &Path, trust: Trust) -> Result<String, FileError> {
    TrustedFiles.read(path, trust, LIMIT).map(|text| text.to_string())
}

/// The text of the refusal: it must name the path and say what to do.
fn refused(path: &Path, trust: Trust) -> String {
    match read(path, trust) {
        Err(FileError::Untrusted(text)) => text,
        other => panic!("{} should be refused, not {other:?}", path.display()),
    }
}

#[test]
fn rule_25_modes_decide_who_else_may_have_a_hand_in_a_file() {
    let scratch = Scratch::new();
    let table = [
        (0o600, true, true),
        (0o400, true, true),
        (0o700, true, true),
        (0o611, true, true),
        (0o644, true, false),
        (0o640, true, false),
        (0o604, true, false),
        (0o620, false, false),
        (0o602, false, false),
        (0o666, false, false),
    ];
    for (mode, public, secret) in table {
        let path = scratch.file("herald.toml", "text", mode);
        for (trust, allowed) in [(Trust::Public, public), (Trust::Secret, secret)] {
            if allowed {
                assert_eq!(read(&path, trust), Ok("text".to_owned()), "{mode:o} {trust:?}");
                assert_eq!(check_trusted(&path, trust), Ok(()), "{mode:o} {trust:?}");
            } else {
                let text = refused(&path, trust);
                let mend = if trust == Trust::Secret { "chmod 600" } else { "chmod go-w" };
                assert!(text.ends_with(&format!("Mend it: {mend} {}", path.display())), "{text}");
                assert_eq!(check_trusted(&path, trust), Err(FileError::Untrusted(text)));
            }
        }
        std::fs::remove_file(path).expect("it is there");
    }
}

#[test]
fn rule_25_a_strangers_file_folder_or_link_is_refused() {
    let scratch = Scratch::new();
    let file = scratch.file("file", "text", 0o600);
    let folder = scratch.folder("folder", 0o755);
    let inside = scratch.file("folder/inside", "text", 0o600);
    let link = scratch.path("link");
    symlink(&folder, &link).expect("a link");
    assert_eq!(read(&link.join("inside"), Trust::Secret), Ok("text".to_owned()));
    if give_away(&link) {
        assert!(refused(&link.join("inside"), Trust::Secret).contains("the symbolic link"));
        assert!(give_away(&file) && give_away(&folder));
        for path in [file, inside] {
            let text = refused(&path, Trust::Public);
            assert!(text.contains("belongs to user id 54321, not to root. Mend it: chown -h root "), "{text}");
        }
    }
}

#[test]
fn rule_25_every_folder_above_counts_and_only_a_sticky_one_may_be_open_to_others() {
    let scratch = Scratch::new();
    scratch.folder("outer", 0o755);
    scratch.folder("outer/inner", 0o755);
    let path = scratch.file("outer/inner/file", "text", 0o600);
    for (mode, allowed) in
        [(0o755, true), (0o711, true), (0o777, false), (0o775, false), (0o757, false), (0o1777, true), (0o1775, true)]
    {
        for folder in ["outer", "outer/inner"] {
            set_mode(&scratch.path(folder), mode);
            if allowed {
                assert_eq!(read(&path, Trust::Secret), Ok("text".to_owned()), "{folder} {mode:o}");
            } else {
                let text = refused(&path, Trust::Secret);
                let mend = format!("chmod go-w {}", scratch.path(folder).display());
                assert!(text.contains("the folder ") && text.ends_with(&mend), "{text}");
                assert!(check_executable(&path).is_err() && check_trusted(&path, Trust::Secret).is_err());
            }
            set_mode(&scratch.path(folder), 0o755);
        }
    }
}

#[test]
fn rule_25_links_on_the_way_are_followed_and_the_folders_they_lead_through_count() {
    let scratch = Scratch::new();
    scratch.folder("real", 0o755);
    scratch.folder("real/etc", 0o755);
    scratch.folder("open", 0o755);
    scratch.file("real/etc/file", "text", 0o600);
    for (link, target) in [
        ("relative", "real/etc"),
        ("absolute", scratch.path("real/etc").to_str().expect("text")),
        ("up", "open/../real/./etc"),
        ("twice", "relative"),
    ] {
        symlink(target, scratch.path(link)).expect("a link");
        assert_eq!(read(&scratch.path(link).join("file"), Trust::Secret), Ok("text".to_owned()), "{link}");
    }
    set_mode(&scratch.path("open"), 0o777);
    let text = refused(&scratch.path("up/file"), Trust::Secret);
    assert!(text.contains(&format!("{} has the mode 0777", scratch.path("open").display())), "{text}");
    assert_eq!(read(&scratch.path("relative/file"), Trust::Secret), Ok("text".to_owned()));

    symlink("two", scratch.path("one")).expect("a link");
    symlink("one", scratch.path("two")).expect("a link");
    let looping = read(&scratch.path("one/file"), Trust::Secret);
    assert!(matches!(&looping, Err(FileError::Failed(text)) if text.contains("symbolic links")), "{looping:?}");
    symlink("nowhere", scratch.path("dangling")).expect("a link");
    assert_eq!(read(&scratch.path("dangling/file"), Trust::Secret), Err(FileError::Missing(scratch.path("nowhere"))));
}

#[test]
fn rule_25_the_file_itself_may_not_be_a_link_and_must_be_a_file() {
    let scratch = Scratch::new();
    let target = scratch.file("target", "text", 0o700);
    let link = scratch.path("link");
    symlink(&target, &link).expect("a link");
    let _listener = UnixListener::bind(scratch.path("socket")).expect("a socket");
    let fifo = scratch.fifo("fifo");
    scratch.folder("folder", 0o700);
    for (path, fault) in [
        (link.as_path(), "is a symbolic link"),
        (&fifo, "is not a regular file"),
        (&scratch.path("socket"), "is not a regular file"),
        (&scratch.path("folder"), "is a folder"),
        (Path::new("/dev/null"), "is not a regular file"),
        (Path::new("/"), "does not name a file"),
        (Path::new("/etc/.."), "does not name a file"),
        (Path::new("etc/passwd"), "does not begin with /"),
        (Path::new(""), "does not name a file"),
    ] {
        let text = refused(path, Trust::Public);
        assert!(text.contains(fault) && text.contains(". "), "{text}");
        assert!(matches!(check_executable(path), Err(FileError::Untrusted(_))), "{}", path.display());
    }
}

#[test]
fn what_is_missing_is_named() {
    let scratch = Scratch::new();
    scratch.file("file", "", 0o600);
    for (path, missing) in [("nothing", "nothing"), ("no/folder/file", "no")] {
        assert_eq!(read(&scratch.path(path), Trust::Public), Err(FileError::Missing(scratch.path(missing))));
        assert_eq!(check_executable(&scratch.path(path)), Err(FileError::Missing(scratch.path(missing))));
    }
    let through = read(&scratch.path("file/below"), Trust::Public);
    assert!(matches!(&through, Err(FileError::Failed(text)) if text.contains("Not a directory")), "{through:?}");
    let nul = read(Path::new("/etc/pass\0wd"), Trust::Public);
    assert!(matches!(nul, Err(FileError::Failed(_))), "{nul:?}");
}

#[test]
fn what_may_not_be_read_is_an_error_and_not_absent() {
    let scratch = Scratch::new();
    let locked = scratch.file("locked", "text", 0o000);
    let read = read(&locked, Trust::Secret);
    if is_root() {
        assert_eq!(read, Ok("text".to_owned()), "root may");
    } else {
        assert!(matches!(&read, Err(FileError::Failed(text)) if text.ends_with("Run it as root")), "{read:?}");
    }
}

#[test]
fn a_file_is_read_up_to_its_limit_and_only_as_text() {
    let scratch = Scratch::new();
    for (content, allowed) in [
        (Vec::new(), true),
        (vec![b'x'; LIMIT], true),
        (vec![b'x'; LIMIT + 1], false),
        (vec![b'x'; LIMIT * 3], false),
        ("日本".as_bytes().to_vec(), true),
        (b"\xff\xfe".to_vec(), false),
    ] {
        let path = scratch.file("file", &content, 0o600);
        let got = read(&path, Trust::Secret);
        if allowed {
            assert_eq!(got.map(String::into_bytes), Ok(content));
        } else {
            let named = |text: &String| text.contains(&path.display().to_string()) && !text.contains("xx");
            assert!(matches!(&got, Err(FileError::Failed(text)) if named(text)), "{got:?}");
        }
    }
}

#[test]
fn a_file_that_grows_while_it_is_read_is_followed() {
    let scratch = Scratch::new();
    let content: Vec<u8> = (0..=255).cycle().take(LIMIT).collect();
    let path = scratch.file("file", &content, 0o600);
    for size in [0, 1, 100, LIMIT - 1, LIMIT, LIMIT * 9] {
        let file = OwnedFd::from(std::fs::File::open(&path).expect("it is there"));
        assert_eq!(read_bytes(&file, &path, size, LIMIT).as_deref(), Ok(&content), "{size}");
        let file = OwnedFd::from(std::fs::File::open(&path).expect("it is there"));
        assert!(read_bytes(&file, &path, size, LIMIT - 1).is_err(), "{size}");
    }
}

#[test]
fn rule_25_a_program_must_be_executable_but_not_readable() {
    let scratch = Scratch::new();
    for (mode, fault) in [
        (0o755, None),
        (0o711, None),
        (0o500, None),
        (0o644, Some("cannot be executed. Mend it: chmod 755")),
        (0o775, Some("others can write to it. Mend it: chmod go-w")),
    ] {
        let path = scratch.file("program", "", mode);
        match (check_executable(&path), fault) {
            (Ok(()), None) => {}
            (Err(FileError::Untrusted(text)), Some(fault)) if text.contains(fault) => {}
            (other, _) => panic!("{mode:o}: {other:?}"),
        }
        std::fs::remove_file(path).expect("it is there");
    }
}
