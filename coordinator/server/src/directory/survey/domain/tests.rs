//! What servers say is put together.

mod lacking;

use super::super::super::fake::hasty;
use super::super::changes::tests::with_ann;
use super::super::former::Former;
use super::*;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

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
        domain.update(
            name.clone(),
            Update::Read { reading, started: Steady::START, run: None, entries: 1, former: Former::default() },
        );
        let Some(Ok(reading)) = domain.reading.servers.get(&name) else { panic!("not read") };
        reading.users.len()
    };
    assert_eq!(says(&mut domain), 0);
    domain.reading.asked = everybody.asked.as_ref().clone();
    assert_eq!(says(&mut domain), 1);
}

/// A domain of one server that says what the test says, and hears orders only.
struct Alone {
    domain: Domain,
    name: DirectoryServerName,
    orders: mpsc::Receiver<Order>,
    seconds: Arc<AtomicU64>,
    /// When what has been passed on began, by each look.
    passed_on: Arc<Mutex<Vec<Steady>>>,
    wanted: watch::Sender<Arc<Wanted>>,
}

fn at(seconds: u64) -> Steady {
    Steady::after_start(Duration::from_secs(seconds))
}

impl Alone {
    fn new() -> Self {
        let asked = with_ann("CN=Ann,DC=example,DC=test").asked.wanted;
        let (sender, wanted) = watch::channel(asked);
        let (_, received) = mpsc::channel(1);
        let (seconds, passed_on) = (Arc::new(AtomicU64::new(0)), Arc::new(Mutex::new(Vec::new())));
        let looked = Arc::clone(&passed_on);
        let looks: Looks = Arc::new(move |look| {
            looked.lock().unwrap().push(look.started);
            Box::pin(async { true })
        });
        let clock = Arc::clone(&seconds);
        let now = Arc::new(move || at(clock.load(Ordering::SeqCst)));
        let server = hasty(vec![]);
        let name = server.name.clone();
        let mut domain = Domain::start("example.test".parse().unwrap(), vec![server], wanted, received, looks, now);
        // The server's own task is not to say anything.
        domain.tasks.abort_all();
        let (heard, orders) = mpsc::channel(ORDERS);
        domain.servers.get_mut(&name).unwrap().orders = Some(heard);
        Self { domain, name, orders, seconds, passed_on, wanted: sender }
    }

    /// Somebody asks for a reading at this time.
    fn asked_for(&mut self, seconds: u64) -> mpsc::Receiver<Progress> {
        self.seconds.store(seconds, Ordering::SeqCst);
        let (looker, steps) = mpsc::channel(9);
        self.domain.asked(Request::Run(looker));
        steps
    }

    async fn fails(&mut self, why: &str) {
        self.domain.update(self.name.clone(), Update::Failed { why: why.to_owned(), kept: false });
        assert!(self.domain.judge().await);
        self.domain.finish();
    }
}

/// Otherwise the plan would take it for due at once, again and again until something else passes on when it began.
#[tokio::test]
async fn when_a_reading_began_is_known_before_its_steps_end_also_where_it_fails_as_the_last_one_did() {
    let mut alone = Alone::new();
    for (began, looks) in [(10, 1), (910, 2)] {
        let mut steps = alone.asked_for(began);
        alone.fails("no route to host").await;
        let Some(Progress { stage: Stage::Ended(Err(why)), .. }) = steps.recv().await else { panic!("not ended") };
        assert_eq!(why, "no route to host");
        assert!(steps.recv().await.is_none(), "the run is over");
        let passed_on = alone.passed_on.lock().unwrap();
        assert_eq!((passed_on.len(), passed_on.last()), (looks, Some(&at(began))));
    }
    // Between two readings a server that goes on failing is nothing new.
    alone.fails("no route to host").await;
    assert_eq!(alone.passed_on.lock().unwrap().len(), 2);
}

/// It may rest for minutes after its account was refused, which whoever asks has mended.
#[tokio::test]
async fn a_server_that_has_failed_in_a_reading_under_way_is_asked_once_more_by_whoever_asks_for_one() {
    let mut alone = Alone::new();
    let slow: DirectoryServerName = "slow.example.test".parse().unwrap();
    let (heard, mut slow_orders) = mpsc::channel(ORDERS);
    let server = Server { orders: Some(heard), started: None, asleep: None, pending: true };
    alone.domain.servers.insert(slow.clone(), server);
    alone.domain.reading.servers.insert(slow.clone(), Err(ServerFailure("not read yet".to_owned())));
    let _steps = alone.asked_for(10);
    let order = Order { run: 1, started: at(10) };
    assert_eq!((alone.orders.try_recv(), slow_orders.try_recv()), (Ok(order), Ok(order)));
    alone.fails("the account is refused").await;
    let mut steps = alone.asked_for(20);
    assert_eq!(alone.orders.try_recv(), Ok(order), "as part of the reading under way");
    assert!(slow_orders.try_recv().is_err(), "that one is being read: it does not begin anew");
    // What has been read is not read once more, and the run waits for the server that was asked again.
    let failed = |why: &str| Update::Failed { why: why.to_owned(), kept: false };
    alone.domain.update(slow.clone(), failed("broken off"));
    let waiting: Vec<_> = alone.domain.run.as_ref().unwrap().waiting.iter().collect();
    assert_eq!(waiting, [&alone.name]);
    let mut read = with_ann("CN=Ann,DC=example,DC=test");
    let reading = Box::new(read.reading());
    let name = alone.name.clone();
    alone.domain.update(
        name.clone(),
        Update::Read { reading, started: at(10), run: Some(1), entries: 1, former: Former::default() },
    );
    let ended: Vec<_> = std::iter::from_fn(|| steps.try_recv().ok()).map(|step| (step.server, step.stage)).collect();
    assert_eq!(ended, [(slow, Stage::Ended(Err("broken off".to_owned()))), (name, Stage::Ended(Ok(())))]);
    let _steps = alone.asked_for(30);
    assert!(alone.orders.try_recv().is_err(), "it has been read");
    assert_eq!(slow_orders.try_recv(), Ok(order));
}

/// Everything that is due waits for them.
#[tokio::test]
async fn while_servers_are_awaited_the_domain_rests() {
    let mut alone = Alone::new();
    let slow: DirectoryServerName = "slow.example.test".parse().unwrap();
    let server = Server { orders: None, started: None, asleep: None, pending: true };
    alone.domain.servers.insert(slow, server);
    alone.domain.touch(Touched::All);
    let (_requests, received) = mpsc::channel(1);
    let (updates, heard) = mpsc::channel(1);
    (alone.domain.requests, alone.domain.updates) = (received, heard);
    let counted = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&counted);
    let mut run = Box::pin(alone.domain.run());
    let polled = std::future::poll_fn(move |context| {
        count.fetch_add(1, Ordering::SeqCst);
        run.as_mut().poll(context)
    });
    let running = tokio::spawn(polled);
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
    assert!(counted.load(Ordering::SeqCst) < 10, "it was woken {counted:?} times");
    running.abort();
    drop(updates);
}
