//! A journal that cannot be written ends the loop: nobody is told that something was done, and nothing is done after it.
//! What a record has no room for is refused, and ends nothing.

use crate::bad_disk::BadDisk;
use crate::scene::{Ahead, Running, name};
use sendgate_coordinator::driver::RequestError;
use sendgate_coordinator::journal::Journal;
use sendgate_core::gate::World;
use sendgate_core::request::{self, WantedHeld};
use std::sync::Arc;

#[tokio::test]
async fn a_journal_that_cannot_be_written_ends_the_loop_and_whoever_asks_is_told() {
    let journal = Arc::new(BadDisk::default());
    let running = Running::on(Arc::clone(&journal) as Arc<dyn Journal>, Ahead::default()).await;
    let held = WantedHeld::Host("exa1".into());
    let (hold, release) = (held.clone(), held);
    running.handle.request(name("olive"), move |world| request::hold(world, &hold, "no")).await.unwrap();
    journal.fills();
    let refused = running
        .handle
        .request(name("olive"), move |world| request::release(world, &name("olive"), &release, "yes"))
        .await;
    let refused = refused.unwrap_err();
    assert!(matches!(refused, RequestError::Stopped(_)), "{refused}");
    assert_eq!(refused.to_string(), "the coordinator is stopping");
    let looked = running.handle.look(|_, _| ()).await.unwrap_err();
    assert_eq!(looked.to_string(), "the coordinator is stopping");
    let ended = running.task.await.unwrap().unwrap_err().to_string();
    assert!(ended.contains("No space left on device; no more is written: mend the disk"), "{ended}");
}

/// The file is not too long, and what it comes to is: a record has no room for it. Nobody's mistake ends the loop.
#[tokio::test]
async fn a_request_without_room_in_the_journal_is_refused_and_the_loop_goes_on() {
    let running = Running::new().await;
    running.handle.look(|_, _| ()).await.unwrap();
    let before = running.entries().len();
    let window = |at: u32| {
        format!(
            "[[window]]\nname = \"w{at}\"\nrule = \"FREQ=DAILY\"\nstart = \"2007-01-06T22:00\"\nlength = \"1h\"\n\
             zone = \"UTC\"\ncutoff = \"5m\"\n"
        )
    };
    let windows: String = (0..1000).map(window).collect();
    let file = format!(
        "name = \"dst\"\n[package]\nname = \"kb926666\"\nsha256 = \"{}\"\nkb = 926666\ntarget = \"6.5.7653.33\"\n\
         enforces = true\n[[wave]]\nname = \"all\"\nservers = [\"exa1\"]\n{windows}",
        "07".repeat(32)
    );
    let apply = move |world: World<'_>| request::rollout_apply(world, &file);
    let refused = running.handle.request(name("olive"), apply).await.unwrap_err().to_string();
    assert!(refused.starts_with("the request takes 1"), "{refused}");
    assert!(refused.contains("bytes in the journal, and a record has room for 100000: make it smaller"), "{refused}");
    assert_eq!(running.entries().len(), before);
    running.rollout().await;
    assert_eq!(running.entries().len(), before + 2);
}
