//! Packages for Node.js that nobody here wrote, below the target directory.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Node.js with a package: programs find it from the folder.
pub struct Node {
    program: PathBuf,
    folder: PathBuf,
}

impl Node {
    /// `programs` has `node` and `npm`; the folder is made where it is missing.
    pub fn with(programs: &Path, folder: &str, requirement: &str, package: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(folder);
        let node = Self { program: programs.join("node"), folder };
        std::fs::create_dir_all(&node.folder).unwrap();
        let has_it = || {
            let mut require = node.run(&format!("require('{package}')"));
            require.stderr(Stdio::null()).status().is_ok_and(|status| status.success())
        };
        if !has_it() {
            let mut install = Command::new(programs.join("npm"));
            install.args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--silent", "--prefix"]);
            let status = install.arg(&node.folder).arg(requirement).status();
            assert!(status.unwrap().success() && has_it(), "{requirement} could not be installed");
        }
        node
    }

    /// A program that is given as text; its arguments follow.
    pub fn run(&self, program: &str) -> Command {
        let mut command = Command::new(&self.program);
        command.current_dir(&self.folder).args(["-e", program, "--"]);
        command
    }
}
