//! Services that an admin described: the files of `providers.d`.

use herald_core::config::{Config, Gateway as Configured};
use herald_core::courier::Gateway;
use herald_core::delivery::definition;
use herald_core::machine::FileError;
use herald_sys::TrustedFiles;
use std::path::{Path, PathBuf};

/// One file: its path, and a gateway without fields that takes it along; or why it cannot be used.
pub(crate) struct OwnService {
    pub(crate) file: PathBuf,
    pub(crate) gateway: Result<Gateway, FileError>,
}

/// Every file of the folder whose name ends in `.toml`, by name. A folder that is not there, or may not be read, is
/// empty.
pub(crate) fn own_services(config: &Config) -> Vec<OwnService> {
    let Ok(folder) = std::fs::read_dir(&config.definitions) else { return Vec::new() };
    let mut files: Vec<PathBuf> =
        folder.flatten().map(|entry| entry.path()).filter(|path| is_definition(path)).collect();
    files.sort();
    files.into_iter().map(read).collect()
}

/// Whether a configured gateway uses this file.
pub(crate) fn is_used(file: &Path, gateways: &[Configured]) -> bool {
    gateways.iter().any(|gateway| gateway.definition == file)
}

fn is_definition(path: &Path) -> bool {
    let hidden = path.file_name().and_then(|name| name.to_str()).is_none_or(|name| name.starts_with('.'));
    !hidden && path.extension().is_some_and(|extension| extension == "toml")
}

fn read(file: PathBuf) -> OwnService {
    let name = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
    let gateway = definition(&file, &TrustedFiles).map(|definition| Gateway {
        name: name.clone(),
        channel: String::new(),
        driver: name,
        insecure: false,
        fields: Vec::new(),
        definition,
    });
    OwnService { file, gateway }
}
