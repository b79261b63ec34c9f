//! How one line of a GoodLink log reads. The pause line is known; everything else is configuration with a default.

use encoding_rs::{Encoding, UTF_8};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use regex::Regex;

use super::Hresult;

/// The time at the start of a line: `2026-11-24 08:15:30` with an optional fraction.
const TIME_PATTERN: &str = r"^(?<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,9})?)";
/// How that time reads, in the letters of strptime; `%.f` is an optional fraction.
const TIME_FORMAT: &str = "%Y-%m-%d %H:%M:%S%.f";
/// The pause line as it was published with the article on the hotfix. It may stand anywhere in a line, since what stands
/// before it is not known: whoever can have GoodLink log that text makes a pause too many, never one too few.
const PAUSE_PATTERN: &str = r"Failed to submit mail message for user (?<user>.+?)\. \(HRESULT:(?<hresult>-?\d+|0x[0-9A-Fa-f]{1,8})\) Pausing user ";

/// The syntax as written in the configuration; absent parts have their defaults.
#[derive(Clone, Debug, Default)]
pub struct SyntaxText {
    /// A name of the WHATWG Encoding Standard; default: UTF-8.
    pub encoding: Option<String>,
    /// An IANA zone; default: the zone of this system.
    pub time_zone: Option<String>,
    /// A regular expression with a group `time`.
    pub time_pattern: Option<String>,
    /// A format of strptime for that group.
    pub time_format: Option<String>,
    /// A regular expression with groups `user` and `hresult`.
    pub pause_pattern: Option<String>,
    /// A regular expression with a group `user`; default: none is known, so that only a restart ends a pause.
    pub unpause_pattern: Option<String>,
}

/// What is wrong with a configured syntax.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SyntaxError {
    /// Not a regular expression.
    #[error("{text:?} is no regular expression: {error}")]
    Pattern {
        /// Of the configuration.
        key: &'static str,
        /// As written.
        text: String,
        /// What the regex reader says.
        error: String,
    },
    /// A group that is needed is missing.
    #[error("{text:?} has no group (?<{group}>…)")]
    Group {
        /// Of the configuration.
        key: &'static str,
        /// As written.
        text: String,
        /// The missing group.
        group: &'static str,
    },
    /// Not an encoding that lines can be found in.
    #[error("{text:?} is no encoding that keeps ASCII")]
    Encoding {
        /// As written.
        text: String,
    },
    /// Not a zone that this system knows.
    #[error("the time zone {text:?} is not known here: {error}")]
    Zone {
        /// As written.
        text: String,
        /// What the zone reader says.
        error: String,
    },
    /// The path has no last part, or one that is not UTF-8.
    #[error("{path:?} names no file")]
    NoFileName {
        /// As written.
        path: String,
    },
}

impl SyntaxError {
    /// The key of the configuration.
    pub fn key(&self) -> &'static str {
        match self {
            Self::Pattern { key, .. } | Self::Group { key, .. } => key,
            Self::Encoding { .. } => "encoding",
            Self::Zone { .. } => "time_zone",
            Self::NoFileName { .. } => "file",
        }
    }

    /// What to do.
    pub fn remedy(&self) -> String {
        match self {
            Self::Pattern { .. } => "correct the expression, or leave the key out for the default".to_owned(),
            Self::Group { group, .. } => format!("put (?<{group}>…) around that part of the line"),
            Self::Encoding { .. } => {
                "write a name such as \"utf-8\" or \"windows-1252\"; have a log in UTF-16 converted".to_owned()
            }
            Self::Zone { .. } => {
                "write a zone such as \"Europe/Berlin\" or \"UTC\", or leave the key out for the system's".to_owned()
            }
            Self::NoFileName { .. } => "write the path of the log file".to_owned(),
        }
    }
}

/// How the lines of a log read.
#[derive(Clone, Debug)]
pub struct LogSyntax {
    encoding: &'static Encoding,
    zone: TimeZone,
    time: Regex,
    time_format: String,
    pause: Regex,
    unpause: Option<Regex>,
}

/// What a line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// GoodLink paused a user.
    Pause {
        /// When, by the host's clock.
        at: Timestamp,
        /// Whom.
        user: String,
        /// Why.
        hresult: Hresult,
    },
    /// GoodLink ended a pause.
    Unpause {
        /// When, by the host's clock.
        at: Timestamp,
        /// Whose.
        user: String,
    },
    /// Another line with a time.
    Timed {
        /// When, by the host's clock.
        at: Timestamp,
    },
    /// A line without a time, such as the rest of a message of several lines.
    Untimed,
    /// It pauses or un-pauses a user, and cannot be used.
    Bad {
        /// When, by the host's clock, where that can be read.
        at: Option<Timestamp>,
        /// What is wrong with it.
        why: LineError,
    },
}

impl Line {
    /// Its time, if it has one.
    pub fn at(&self) -> Option<Timestamp> {
        match self {
            Self::Pause { at, .. } | Self::Unpause { at, .. } | Self::Timed { at } => Some(*at),
            Self::Bad { at, .. } => *at,
            Self::Untimed => None,
        }
    }
}

/// Why a line that matters cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// It pauses or un-pauses a user, at an unknown time.
    #[error("it pauses or un-pauses a user, but its time does not read as {format:?}")]
    Time {
        /// The configured format.
        format: String,
    },
    /// Its HRESULT is not a 32-bit number.
    #[error("its HRESULT {text:?} is not a 32-bit number")]
    Hresult {
        /// As logged.
        text: String,
    },
    /// Its user is not what GoodLink wrote: two users could look the same, and be nobody on the roster.
    #[error("its user {text:?} is not in {encoding}")]
    Encoding {
        /// As far as it can be read.
        text: String,
        /// In which the log is read.
        encoding: &'static str,
    },
    /// Its user is none.
    #[error("its user {text:?} has a control character")]
    User {
        /// As logged.
        text: String,
    },
}

impl LineError {
    /// What to do.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Encoding { .. } => "set encoding to the one that GoodLink logs in, such as \"windows-1252\"",
            Self::Time { .. } | Self::Hresult { .. } | Self::User { .. } => {
                "correct time_pattern, time_format or pause_pattern"
            }
        }
    }
}

fn pattern(key: &'static str, text: String, groups: &[&'static str]) -> Result<Regex, SyntaxError> {
    let made = Regex::new(&text).map_err(|error| SyntaxError::Pattern {
        key,
        text: text.clone(),
        error: error.to_string(),
    })?;
    match groups.iter().find(|group| !made.capture_names().flatten().any(|name| name == **group)) {
        Some(group) => Err(SyntaxError::Group { key, text, group }),
        None => Ok(made),
    }
}

impl LogSyntax {
    /// Checks a configured syntax.
    ///
    /// # Errors
    /// Names the key; see [`SyntaxError`].
    pub fn new(text: SyntaxText) -> Result<Self, SyntaxError> {
        let encoding = match text.encoding {
            None => UTF_8,
            Some(name) => Encoding::for_label(name.as_bytes())
                .filter(|encoding| encoding.is_ascii_compatible())
                .ok_or(SyntaxError::Encoding { text: name })?,
        };
        let zone = match text.time_zone {
            None => TimeZone::system(),
            Some(name) => TimeZone::get(&name)
                .map_err(|error| SyntaxError::Zone { text: name.clone(), error: error.to_string() })?,
        };
        let unpause = text.unpause_pattern.map(|text| pattern("unpause_pattern", text, &["user"])).transpose()?;
        Ok(Self {
            encoding,
            zone,
            time: pattern("time_pattern", text.time_pattern.unwrap_or_else(|| TIME_PATTERN.to_owned()), &["time"])?,
            time_format: text.time_format.unwrap_or_else(|| TIME_FORMAT.to_owned()),
            pause: pattern(
                "pause_pattern",
                text.pause_pattern.unwrap_or_else(|| PAUSE_PATTERN.to_owned()),
                &["user", "hresult"],
            )?,
            unpause,
        })
    }

    /// The format in which times are expected.
    pub fn time_format(&self) -> &str {
        &self.time_format
    }

    fn time_of(&self, line: &str) -> Option<Timestamp> {
        let time = self.time.captures(line)?.name("time")?.as_str();
        let civil = DateTime::strptime(&self.time_format, time).ok()?;
        // In the hour that a clock change repeats, the later of both is taken, since GoodLink does not log the offset: with
        // the earlier one a pause after the service's start would read as one before it, and not count.
        self.zone.to_ambiguous_timestamp(civil).later().ok()
    }

    /// All that the time of a line may mean: two times in the hour that a clock change repeats, of which the line was given
    /// the later one.
    pub(super) fn readings(&self, at: Timestamp) -> impl Iterator<Item = Timestamp> + use<> {
        let civil = self.zone.to_datetime(at);
        let earlier = self.zone.to_ambiguous_timestamp(civil).earlier().ok();
        earlier.filter(|earlier| *earlier < at).into_iter().chain([at])
    }

    /// Reads one line as it stands in the file. What the encoding does not know becomes U+FFFD.
    pub fn read_bytes(&self, line: &[u8]) -> Line {
        self.read(&self.encoding.decode_without_bom_handling(line).0)
    }

    /// Reads one line.
    pub fn read(&self, line: &str) -> Line {
        let at = self.time_of(line);
        self.said(line, at).unwrap_or_else(|why| Line::Bad { at, why })
    }

    fn said(&self, line: &str, at: Option<Timestamp>) -> Result<Line, LineError> {
        let known = || at.ok_or_else(|| LineError::Time { format: self.time_format.clone() });
        if let Some(found) = self.pause.captures(line) {
            let group = |name| found.name(name).map(|group| group.as_str().to_owned()).unwrap_or_default();
            let text = group("hresult");
            let hresult = Hresult::parse(&text).ok_or(LineError::Hresult { text })?;
            return Ok(Line::Pause { at: known()?, user: self.user(group("user"))?, hresult });
        }
        if let Some(found) = self.unpause.as_ref().and_then(|unpause| unpause.captures(line)?.name("user")) {
            return Ok(Line::Unpause { at: known()?, user: self.user(found.as_str().to_owned())? });
        }
        Ok(at.map_or(Line::Untimed, |at| Line::Timed { at }))
    }

    /// What the coordinator would refuse, with all that its host says, is one bad line here; and so is a name that was not
    /// understood.
    fn user(&self, text: String) -> Result<String, LineError> {
        if text.contains(char::REPLACEMENT_CHARACTER) {
            return Err(LineError::Encoding { text, encoding: self.encoding.name() });
        }
        if text.chars().any(char::is_control) { Err(LineError::User { text }) } else { Ok(text) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE: &str = "2026-11-24 08:15:30.250 [12] Failed to submit mail message for user john.doe. \
        (HRESULT:-2147024891) Pausing user john.doe. (Security error - Cannot access the users mailbox.)";

    fn syntax(unpause: Option<&str>) -> LogSyntax {
        LogSyntax::new(SyntaxText {
            time_zone: Some("Europe/Berlin".into()),
            unpause_pattern: unpause.map(str::to_owned),
            ..SyntaxText::default()
        })
        .unwrap()
    }

    #[test]
    fn the_published_line_is_read() {
        let Line::Pause { at, user, hresult } = syntax(None).read(PAUSE) else { panic!("not a pause") };
        assert_eq!(at.to_string(), "2026-11-24T07:15:30.25Z");
        assert_eq!((user.as_str(), hresult.value()), ("john.doe", -2_147_024_891));
    }

    #[test]
    fn other_lines() {
        let syntax = syntax(Some(r"Resuming user (?<user>.+)\.$"));
        let resumed = syntax.read("2026-11-24 08:15:31 Resuming user john.doe.");
        assert!(matches!(resumed, Line::Unpause { user, .. } if user == "john.doe"));
        let started = syntax.read("2026-11-24 08:15:31 Service started");
        assert_eq!(started, Line::Timed { at: "2026-11-24T07:15:31Z".parse().unwrap() });
        assert_eq!(syntax.read("  at module 7"), Line::Untimed);
        assert_eq!(syntax.read("2026-13-99 08:15:31 no such day"), Line::Untimed);
    }

    #[test]
    fn in_the_hour_that_is_repeated_the_later_time_is_taken() {
        let at = |line| syntax(None).read(line).at().unwrap().to_string();
        assert_eq!(at("2026-10-25 01:30:00 before"), "2026-10-24T23:30:00Z");
        assert_eq!(at("2026-10-25 02:30:00 twice"), "2026-10-25T01:30:00Z", "not 00:30, an hour earlier");
        assert_eq!(at("2026-10-25 03:30:00 after"), "2026-10-25T02:30:00Z");
    }

    #[test]
    fn what_pauses_somebody_and_cannot_be_used_is_bad() {
        let bad = |line: &str| match syntax(Some(r"Resuming user (?<user>.+)\.$")).read(line) {
            Line::Bad { at, why } => (at.is_some(), why.to_string()),
            other => panic!("{other:?} is not bad"),
        };
        let time = "it pauses or un-pauses a user, but its time does not read as \"%Y-%m-%d %H:%M:%S%.f\"";
        assert_eq!(bad(&PAUSE[4..]), (false, time.to_owned()));
        let hresult = "its HRESULT \"-99999999999\" is not a 32-bit number";
        assert_eq!(bad(&PAUSE.replace("-2147024891", "-99999999999")), (true, hresult.to_owned()));
        let user = "its user \"jo\\thn\" has a control character";
        assert_eq!(bad(&PAUSE.replace("john.doe", "jo\thn")), (true, user.to_owned()));
        assert_eq!(bad("2026-11-24 08:15:31 Resuming user jo\thn."), (true, user.to_owned()));
    }

    #[test]
    fn wrong_syntax_names_key_and_remedy() {
        let error = LogSyntax::new(SyntaxText { pause_pattern: Some("x (?<user>.)".into()), ..SyntaxText::default() })
            .unwrap_err();
        assert_eq!(
            (error.key(), error.to_string().as_str()),
            ("pause_pattern", "\"x (?<user>.)\" has no group (?<hresult>…)")
        );
        assert_eq!(error.remedy(), "put (?<hresult>…) around that part of the line");
        for text in ["latin-one", "utf-16le", "iso-2022-jp"] {
            let error =
                LogSyntax::new(SyntaxText { encoding: Some(text.into()), ..SyntaxText::default() }).unwrap_err();
            assert_eq!(error.to_string(), format!("{text:?} is no encoding that keeps ASCII"));
            let remedy = "write a name such as \"utf-8\" or \"windows-1252\"; have a log in UTF-16 converted";
            assert_eq!((error.key(), error.remedy().as_str()), ("encoding", remedy));
        }
        let error =
            LogSyntax::new(SyntaxText { time_zone: Some("Mars/Base".into()), ..SyntaxText::default() }).unwrap_err();
        assert!(error.to_string().starts_with("the time zone \"Mars/Base\" is not known here: "), "{error}");
    }
}
