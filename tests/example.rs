//! The repository's own example: `generated/` is what `generate` writes for `schema.yaml`, and it passes `check`.
#![cfg(feature = "embedded")]

use std::path::Path;
use std::process::{Command, Output};

use pretty_assertions::assert_eq;

fn schemadiff(folder: &Path, words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_schemadiff"));
    command.current_dir(folder).args(["--scratch", "embedded", "--quiet"]).args(words);
    command.output().expect("the binary runs")
}

fn succeed(folder: &Path, words: &[&str]) -> String {
    let output = schemadiff(folder, words);
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("the output is UTF-8")
}

/// `BLESS=1` rewrites the folder.
#[test]
fn generated_folder_is_up_to_date() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (target, name, at) in [
        ("fixtures/shop/first.yaml", "create shop", "2026-01-05T09:00:00"),
        ("schema.yaml", "reviews and vouchers", "2026-02-10T14:30:00"),
    ] {
        let target = root.join(target);
        let target = target.to_str().expect("the path is UTF-8");
        succeed(folder.path(), &["generate", target, "--name", name, "--at", at]);
    }
    let list = |folder: &Path| -> Vec<String> {
        let entries = std::fs::read_dir(folder).expect("the folder exists");
        let mut names: Vec<String> =
            entries.map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
        names.retain(|name| !name.starts_with('.'));
        names.sort();
        names
    };
    let (expected, written) = (root.join("generated"), folder.path().join("generated"));
    if std::env::var_os("BLESS").is_some() {
        for name in list(&written) {
            std::fs::copy(written.join(&name), expected.join(&name)).expect("the file is copied");
        }
    }
    assert_eq!(list(&expected), list(&written));
    for name in list(&expected) {
        let read = |folder: &Path| std::fs::read_to_string(folder.join(&name)).expect("the file exists");
        assert_eq!(read(&expected), read(&written), "{name}; BLESS=1 rewrites it");
    }
}

#[test]
fn example_passes_check() {
    succeed(Path::new(env!("CARGO_MANIFEST_DIR")), &["check"]);
}
