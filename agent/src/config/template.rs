//! Arguments of programs, with placeholders from a closed set. There is no shell: an argument stays one argument,
//! whatever is put into it.

use std::path::PathBuf;

use crate::config::{HostName, PackageName, ServiceName};

/// What may stand between braces in an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Placeholder {
    /// `{host}`: the host's name.
    Host,
    /// `{service}`: the service of the role that the program is used for.
    Service,
    /// `{package}`: the name of the package; only for a role's `install` and `remove` programs.
    Package,
    /// `{package_file}`: the package's file; only for the same.
    PackageFile,
}

impl Placeholder {
    const ALL: [Self; 4] = [Self::Host, Self::Service, Self::Package, Self::PackageFile];

    /// As it is written, without braces.
    pub fn name(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Service => "service",
            Self::Package => "package",
            Self::PackageFile => "package_file",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Place(Placeholder),
}

/// One argument as configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Part>);

/// Why an argument was not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// Not one of the closed set.
    #[error(
        "{{{0}}} is no placeholder; known are {{host}}, {{service}}, {{package}} and {{package_file}}, and {{{{ and }}}} \
         stand for braces"
    )]
    Unknown(String),
    /// An opening brace without a closing one, or the other way round.
    #[error("has a brace without its partner; write {{{{ and }}}} for braces")]
    Unpaired,
    /// A NUL, which no argument of a program can carry.
    #[error("has a NUL character")]
    Nul,
}

/// What is put in place of the placeholders of one program.
#[derive(Clone, Debug)]
pub struct Places<'a> {
    /// `{host}`
    pub host: &'a HostName,
    /// `{service}`
    pub service: &'a ServiceName,
    /// `{package}`; there is one only where a package is installed or removed.
    pub package: Option<&'a PackageName>,
    /// `{package_file}`; the same.
    pub package_file: Option<&'a PathBuf>,
}

impl Template {
    /// Reads an argument.
    ///
    /// # Errors
    /// When it has an unknown placeholder or an unpaired brace.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        if text.contains('\0') {
            return Err(TemplateError::Nul);
        }
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            plain.push_str(&rest[..at]);
            rest = &rest[at..];
            if let Some(after) = rest.strip_prefix("{{") {
                plain.push('{');
                rest = after;
            } else if let Some(after) = rest.strip_prefix("}}") {
                plain.push('}');
                rest = after;
            } else if let Some((name, after)) = rest.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
                let known = Placeholder::ALL.into_iter().find(|p| p.name() == name);
                let place = known.ok_or_else(|| TemplateError::Unknown(name.to_owned()))?;
                if !plain.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut plain)));
                }
                parts.push(Part::Place(place));
                rest = after;
            } else {
                return Err(TemplateError::Unpaired);
            }
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            parts.push(Part::Text(plain));
        }
        Ok(Self(parts))
    }

    /// Whether the argument has this placeholder.
    pub fn uses(&self, place: Placeholder) -> bool {
        self.0.contains(&Part::Place(place))
    }

    /// The argument with everything in its place; `None` when it wants a package and there is none (which the
    /// configuration does not let through).
    pub fn fill(&self, places: &Places<'_>) -> Option<String> {
        let mut filled = String::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => filled.push_str(text),
                Part::Place(Placeholder::Host) => filled.push_str(places.host.as_str()),
                Part::Place(Placeholder::Service) => filled.push_str(places.service.as_str()),
                Part::Place(Placeholder::Package) => filled.push_str(places.package?.as_str()),
                Part::Place(Placeholder::PackageFile) => filled.push_str(places.package_file?.to_str()?),
            }
        }
        Some(filled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(text: &str) -> String {
        let host = HostName::new("ex1").unwrap();
        let service = ServiceName::new("a {host} b").unwrap();
        let package = PackageName::new("KB1").unwrap();
        let (package, package_file) = (Some(&package), Some(&"/p/k.exe".into()));
        Template::parse(text).unwrap().fill(&Places { host: &host, service: &service, package, package_file }).unwrap()
    }

    #[test]
    fn placeholders_are_filled_once() {
        assert_eq!(filled("--on={host}"), "--on=ex1");
        assert_eq!(filled("{service}"), "a {host} b", "what is put in is not read again");
        assert_eq!(filled("{package} {package_file}"), "KB1 /p/k.exe");
        assert_eq!(filled("{{host}}"), "{host}");
        assert_eq!(filled(""), "");
    }

    #[test]
    fn errors_say_what_is_known() {
        assert_eq!(
            Template::parse("{pid}").unwrap_err().to_string(),
            "{pid} is no placeholder; known are {host}, {service}, {package} and {package_file}, and {{ and }} stand for braces"
        );
        let unpaired = "has a brace without its partner; write {{ and }} for braces";
        assert_eq!(Template::parse("{host").unwrap_err().to_string(), unpaired);
        assert_eq!(Template::parse("a}").unwrap_err().to_string(), unpaired);
    }
}
