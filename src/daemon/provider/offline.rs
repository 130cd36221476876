//! The provider `offline`: rules on this machine, no model, no network.

use crate::model::failure::Failure;
use crate::model::key::Generator;
use crate::shell::offline;

use super::{Capabilities, Facts, Provider};

/// Writes summaries from the outline alone.
pub struct Offline;

impl Provider for Offline {
    fn generator(&self) -> Generator {
        Generator {
            provider: "offline".to_owned(),
            model: "offline".to_owned(),
            prompt_version: offline::VERSION,
            parameters: String::new(),
        }
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            costs_money: false,
            batches: false,
            prompt_cache: false,
            largest_input: u64::MAX,
        }
    }

    fn describe(&self, facts: &Facts<'_>) -> Result<String, Failure> {
        Ok(match facts {
            Facts::File { language, outline } => offline::file(*language, outline, 0),
            Facts::Directory { children } => {
                let children: Vec<offline::Child<'_>> = children
                    .iter()
                    .map(|child| offline::Child {
                        name: &child.name,
                        kind: child.kind,
                        summary: child.summary.as_deref(),
                    })
                    .collect();
                offline::directory(&children)
            }
        })
    }
}
