//! Limits beside the estate's, tags, stand-ins, and the windows of unattended restarts.

use super::{Bench, change};
use sendgate_core::spec::Windows;
use std::num::NonZeroU32;

#[test]
fn a_limit_of_a_role_or_a_domain_is_at_least_one() {
    let policy = Bench::new()
        .with("hosts_at_once = 1", "hosts_at_once = 3\nexchange_at_once = 2\ndomain_at_once = 1")
        .parse(false)
        .unwrap()
        .policy;
    let limits = policy.disruption;
    assert_eq!((limits.estate.get(), limits.exchange, limits.goodlink), (3, NonZeroU32::new(2), None));
    assert_eq!(limits.domain, Some(NonZeroU32::MIN));
    for key in ["exchange_at_once", "goodlink_at_once", "domain_at_once"] {
        let expected = format!(
            "disruption.{key}: 0 is not a number of hosts that may be disrupted at once; write 1 or more; to stop \
             everything, use a hold"
        );
        change("hosts_at_once = 1", &format!("hosts_at_once = 1\n{key} = 0"), &expected);
    }
}

#[test]
fn tags_and_stand_ins_are_read() {
    let policy = Bench::new().with("# stands_in", "stands_in").parse(false).unwrap().policy;
    assert_eq!(policy.exchange[&"exa1".parse().unwrap()].tags, ["berlin".parse().unwrap()].into());
    assert_eq!(policy.goodlink[&"gla".parse().unwrap()].stands_in, ["glb".parse().unwrap()].into());
    change(
        "# stands_in = [\"GLB\"]",
        "stands_in = [\"GLX\"]",
        "goodlink[0].stands_in[0]: the GoodLink server \"glx\" is not declared; correct the name, or declare it under \
         [[goodlink]] (declared: gla, glb)",
    );
    change(
        "tags = [\"berlin\"]",
        "tags = [\" \"]",
        "exchange[0].tags[0]: tag \" \" is not a name: it is empty, longer than 4096 bytes, or holds control \
         characters; write the name as the estate knows it",
    );
}

#[test]
fn restarts_keep_to_their_windows() {
    let policy = Bench::new().with("# windows = [", "windows = [").parse(false).unwrap().policy;
    assert!(matches!(policy.restart_windows, Windows::In(windows) if windows.len() == 1));
    change(
        "# windows = [",
        "windows = []\n# windows = [",
        "remedy.windows: the list is empty; write a window, or leave the key out for any time",
    );
    let window = "windows = [{ name = \"n\", rule = \"FREQ=DAILY\", start = \"2007-01-01T22:00\", length = \"7h\", \
                  zone = \"Mars\", cutoff = \"0s\" }]\n# windows = [";
    let error = Bench::new().with("# windows = [", window).only();
    assert!(error.starts_with("remedy.windows.n.zone: \"Mars\" is not a time zone"), "{error}");
}
