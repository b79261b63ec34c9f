//! What servers say is put together.

use super::super::super::fake::hasty;
use super::super::changes::tests::with_ann;
use super::*;

/// What is heard of a name ends when it is not asked for any more: should it come back, it is looked up again.
#[tokio::test]
async fn a_reading_that_began_with_another_roster_brings_nobody_back_who_has_left_it() {
    let mut read = with_ann("CN=Ann,DC=example,DC=test");
    let everybody = read.asked.wanted.as_ref().clone();
    let nobody = Arc::new(Wanted { asked: Arc::default(), ..everybody.clone() });
    let (_sender, wanted) = watch::channel(nobody);
    let (_requests, received) = mpsc::channel(1);
    let looks: Looks = Arc::new(|_| Box::pin(async { true }));
    // Nobody is asked for, so that nothing is connected to.
    let server = hasty(vec![]);
    let name = server.name.clone();
    let mut domain = Domain::start(
        "example.test".parse().unwrap(),
        vec![server],
        wanted,
        received,
        looks,
        Arc::new(|| Steady::START),
    );
    let mut says = |domain: &mut Domain| {
        let reading = Box::new(read.reading());
        domain.update(name.clone(), Update::Read { reading, started: Steady::START, run: None, entries: 1 });
        let Some(Ok(reading)) = domain.reading.servers.get(&name) else { panic!("not read") };
        reading.users.len()
    };
    assert_eq!(says(&mut domain), 0);
    domain.reading.asked = everybody.asked.as_ref().clone();
    assert_eq!(says(&mut domain), 1);
}
