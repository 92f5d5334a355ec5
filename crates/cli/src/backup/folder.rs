//! A back-up on disk: for each collection its documents one after the other in BSON, how to make it anew, and a manifest
//! with counts and checksums.

use anyhow::{Context as _, ensure};
use common::time::Timestamp;
use mongodb::bson::{Document, RawDocumentBuf};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

const MANIFEST: &str = "manifest.json";
const FORMAT: u32 = 1;

/// What a back-up holds.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    pub format: u32,
    /// The version of `oms` that wrote it.
    pub version: String,
    /// When it was begun; everything that was acknowledged before is in it.
    pub begun: Timestamp,
    pub collections: Vec<SavedCollection>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SavedCollection {
    /// `orders`, `customers` or `products`.
    pub database: String,
    pub collection: String,
    pub documents: u64,
    /// SHA-256 of the file of documents.
    pub checksum: String,
}

/// How to make a collection anew, in the words of the database's own commands.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Shape {
    /// Options of `create`.
    pub options: Document,
    /// What `listIndexes` answered.
    pub indexes: Vec<Document>,
}

impl Manifest {
    pub fn new(begun: Timestamp, collections: Vec<SavedCollection>) -> Self {
        Self { format: FORMAT, version: env!("CARGO_PKG_VERSION").to_owned(), begun, collections }
    }

    /// How many documents all collections have.
    pub fn documents(&self) -> u64 {
        self.collections.iter().map(|collection| collection.documents).sum()
    }

    pub fn read(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join(MANIFEST);
        let text = fs::read(&path)
            .with_context(|| format!("{}: is this a folder that `oms backup` made?", path.display()))?;
        let manifest: Self = serde_json::from_slice(&text).with_context(|| format!("{}", path.display()))?;
        ensure!(
            manifest.format == FORMAT,
            "{} is of a format that this version does not know",
            path.display()
        );
        Ok(manifest)
    }
}

impl SavedCollection {
    fn path(&self, folder: &Path, ending: &str) -> PathBuf {
        folder.join(&self.database).join(format!("{}.{ending}", self.collection))
    }
}

/// A folder that is being written; it takes its name only when it is whole.
pub struct Writing {
    partial: PathBuf,
    folder: PathBuf,
}

impl Writing {
    pub fn begin(folder: &Path) -> anyhow::Result<Self> {
        ensure!(!folder.exists(), "{} exists; a back-up is never overwritten", folder.display());
        let mut name = folder.file_name().context("the folder has no name")?.to_owned();
        name.push(".partial");
        let partial = folder.with_file_name(name);
        if partial.exists() {
            fs::remove_dir_all(&partial).with_context(|| format!("remove {}", partial.display()))?;
        }
        make_private(&partial)?;
        Ok(Self { partial, folder: folder.to_owned() })
    }

    pub fn database(&self, name: &str) -> anyhow::Result<()> {
        make_private(&self.partial.join(name))
    }

    pub fn documents(&self, saved: &SavedCollection) -> anyhow::Result<DocumentWriter> {
        let path = saved.path(&self.partial, "bson");
        Ok(DocumentWriter { file: BufWriter::new(create(&path)?), digest: Sha256::new(), documents: 0 })
    }

    pub fn shape(&self, saved: &SavedCollection, shape: &Shape) -> anyhow::Result<()> {
        let mut file = create(&saved.path(&self.partial, "shape"))?;
        file.write_all(&mongodb::bson::serialize_to_vec(shape)?)?;
        Ok(file.sync_all()?)
    }

    /// The manifest last, then the name: what bears it is whole.
    pub fn finish(self, manifest: &Manifest) -> anyhow::Result<()> {
        let mut file = create(&self.partial.join(MANIFEST))?;
        file.write_all(&serde_json::to_vec_pretty(manifest)?)?;
        file.sync_all()?;
        fs::rename(&self.partial, &self.folder)
            .with_context(|| format!("name the back-up {}", self.folder.display()))
    }
}

fn make_private(folder: &Path) -> anyhow::Result<()> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.with_context(|| format!("make {}", folder.display()))
}

fn create(path: &Path) -> anyhow::Result<File> {
    let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    opened.with_context(|| format!("write {}", path.display()))
}

/// Documents on their way into a file.
pub struct DocumentWriter {
    file: BufWriter<File>,
    digest: Sha256,
    documents: u64,
}

impl DocumentWriter {
    pub fn write(&mut self, document: &[u8]) -> io::Result<()> {
        self.digest.update(document);
        self.documents += 1;
        self.file.write_all(document)
    }

    /// How many documents, and their checksum.
    pub fn finish(self) -> anyhow::Result<(u64, String)> {
        self.file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        Ok((self.documents, hexadecimal(&self.digest.finalize())))
    }
}

/// Refuses a folder in which a file has changed since it was written.
pub fn verify(folder: &Path, manifest: &Manifest) -> anyhow::Result<()> {
    for saved in &manifest.collections {
        let path = saved.path(folder, "bson");
        let mut file = File::open(&path).with_context(|| format!("read {}", path.display()))?;
        let (mut digest, mut buffer) = (Sha256::new(), vec![0; 1 << 16]);
        loop {
            let length = file.read(&mut buffer).with_context(|| format!("read {}", path.display()))?;
            let Some(read) = buffer.get(..length).filter(|read| !read.is_empty()) else { break };
            digest.update(read);
        }
        let same = hexadecimal(&digest.finalize()) == saved.checksum;
        ensure!(same, "{} is not what was written: its checksum differs", path.display());
    }
    Ok(())
}

pub fn read_shape(folder: &Path, saved: &SavedCollection) -> anyhow::Result<Shape> {
    let path = saved.path(folder, "shape");
    let bytes = fs::read(&path).with_context(|| format!("read {}", path.display()))?;
    mongodb::bson::deserialize_from_slice(&bytes).with_context(|| format!("{}", path.display()))
}

/// The documents of a collection, at most so many at a time.
pub struct DocumentReader {
    file: BufReader<File>,
    left: u64,
}

impl DocumentReader {
    pub fn open(folder: &Path, saved: &SavedCollection) -> anyhow::Result<Self> {
        let path = saved.path(folder, "bson");
        let file = File::open(&path).with_context(|| format!("read {}", path.display()))?;
        Ok(Self { file: BufReader::new(file), left: saved.documents })
    }

    /// The next ones; none at the end.
    pub fn next(&mut self, most: usize) -> anyhow::Result<Vec<RawDocumentBuf>> {
        let mut documents = Vec::new();
        while self.left > 0 && documents.len() < most {
            documents.push(RawDocumentBuf::from_reader(&mut self.file).context("a document of the back-up")?);
            self.left -= 1;
        }
        Ok(documents)
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
