//! The macro that makes settings: one list gives the types, their defaults, how they are read and
//! printed, and what the reference page says about them.

use super::value::Wrong;

/// What is known about a section.
#[derive(Debug)]
pub(crate) struct SectionInfo {
    /// Its name in the file.
    pub(crate) name: &'static str,
    /// The lines of its description.
    pub(crate) about: &'static [&'static str],
    /// Its keys, in order.
    pub(crate) keys: &'static [KeyInfo],
}

/// What is known about a key.
#[derive(Debug)]
pub(crate) struct KeyInfo {
    /// Its name in the section.
    pub(crate) name: &'static str,
    /// The lines of its description.
    pub(crate) about: &'static [&'static str],
    /// What it takes, to finish "expected ..".
    pub(crate) expected: fn() -> String,
    /// The same as a JSON schema.
    pub(crate) schema: fn() -> serde_json::Value,
}

/// What came of reading one value.
pub(super) type Read = Result<(), Wrong>;

/// Declares sections and keys. Doc comments become the reference page.
macro_rules! settings {
    ($(
        $(#[doc = $about:literal])+
        $section:ident: $Section:ident {
            $(
                $(#[doc = $doc:literal])+
                $key:ident: $kind:ty = $default:expr;
            )+
        }
    )+) => {
        /// Everything an operator chooses, typed and in range.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct Config {
            $($(#[doc = $about])+ pub $section: $Section,)+
        }

        $(
            $(#[doc = $about])+
            #[derive(Clone, Debug, PartialEq, Eq)]
            pub struct $Section {
                $($(#[doc = $doc])+ pub $key: $kind,)+
            }

            impl Default for $Section {
                fn default() -> Self {
                    Self { $($key: $default,)+ }
                }
            }
        )+

        /// Every section and key there is, in the order of the reference page.
        pub(crate) const SECTIONS: &[$crate::config::table::SectionInfo] = &[$(
            $crate::config::table::SectionInfo {
                name: stringify!($section),
                about: &[$($about),+],
                keys: &[$(
                    $crate::config::table::KeyInfo {
                        name: stringify!($key),
                        about: &[$($doc),+],
                        expected: <$kind as Setting>::expected,
                        schema: <$kind as Setting>::schema,
                    },
                )+],
            },
        )+];

        impl Config {
            /// Sets one key of [`SECTIONS`]; a value that it does not take changes nothing.
            pub(super) fn read(
                &mut self,
                section: &str,
                key: &str,
                value: &toml_edit::Value,
            ) -> $crate::config::table::Read {
                $($(
                    if section == stringify!($section) && key == stringify!($key) {
                        self.$section.$key = <$kind as Setting>::read(value)?;
                        return Ok(());
                    }
                )+)+
                unreachable!("{section}.{key} is not in the table")
            }

            /// The value of one key of [`SECTIONS`], as TOML.
            pub(crate) fn print(&self, section: &str, key: &str) -> String {
                $($(
                    if section == stringify!($section) && key == stringify!($key) {
                        return Setting::print(&self.$section.$key);
                    }
                )+)+
                unreachable!("{section}.{key} is not in the table")
            }
        }
    };
}

pub(super) use settings;
