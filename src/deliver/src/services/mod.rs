//! Services that are data: one definition each, built in or an admin's own (docs/sms-services.md).

mod catalogue;
mod definition;
mod driver;
mod own;
#[cfg(test)]
mod pages;
mod reader;
mod request;
mod template;
mod verdict;

pub(crate) use driver::ServiceDriver;
pub(crate) use own::OwnService;
pub(crate) use template::national_american;

use catalogue::{CATALOGUE, text_of};
use herald_core::courier;

/// Every service that is built in.
pub(crate) fn all() -> Vec<ServiceDriver> {
    CATALOGUE.iter().filter_map(|(name, _)| built_in(name)).collect()
}

/// The service of that name that is built in.
pub(crate) fn built_in(name: &str) -> Option<ServiceDriver> {
    reader::read(name, text_of(name)?).ok().map(ServiceDriver::new)
}

/// A service that an admin described.
///
/// # Errors
/// What is wrong with the description, each with file, line and key.
pub(crate) fn of_admin(name: &str, definition: &courier::Definition) -> Result<ServiceDriver, Vec<String>> {
    let read = reader::read(name, &definition.text);
    let told = |problems: Vec<_>| problems.iter().map(|problem| format!("{}{problem}", definition.file)).collect();
    read.map(ServiceDriver::new).map_err(told)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_definition_that_is_built_in_can_be_read() {
        for (name, text) in CATALOGUE {
            let problems = reader::read(name, text).err().unwrap_or_default();
            let told: Vec<String> = problems.iter().map(|problem| format!("{name}.toml{problem}")).collect();
            assert!(told.is_empty(), "{}", told.join("\n"));
        }
        assert!(CATALOGUE.is_sorted_by_key(|(name, _)| *name));
    }
}
