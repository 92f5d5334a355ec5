//! Python environments with libraries that nobody here wrote, below the target directory.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// An interpreter that can import these modules; its environment is made where it is missing.
pub fn python_with(environment: &str, requirements: &[&str], modules: &str) -> PathBuf {
    let environment = Path::new(env!("CARGO_TARGET_TMPDIR")).join(environment);
    let python = environment.join("bin/python3");
    let has_them = || {
        let mut import = Command::new(&python);
        import.args(["-c", &format!("import {modules}")]).stderr(Stdio::null());
        import.status().is_ok_and(|status| status.success())
    };
    if !has_them() {
        let made = Command::new("python3").args(["-m", "venv"]).arg(&environment).status();
        assert!(made.expect("python3 is needed").success());
        let mut install = Command::new(&python);
        install.args(["-m", "pip", "install", "--quiet"]).args(requirements);
        assert!(install.status().unwrap().success() && has_them(), "{requirements:?} could not be installed");
    }
    python
}
