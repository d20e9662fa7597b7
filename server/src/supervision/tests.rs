use super::*;

fn registry() -> Arc<WorkerRegistry> {
    Arc::new(WorkerRegistry::default())
}

#[test]
fn a_thread_that_panics_is_started_again_and_counted() {
    let registry = registry();
    let mut runs = 0;
    let handle = registry.register("udp", "udp 127.0.0.1:53/0");
    assert_eq!(registry.restarts(), [("udp", 0)]);
    handle.supervise(|_| {
        runs += 1;
        assert!(runs == 3, "on purpose");
    });
    assert_eq!(runs, 3);
    assert_eq!((registry.restarts(), registry.panics()), (vec![("udp", 2)], 2));
    assert!(registry.failures().is_empty());
    assert!(lock(&registry.workers).is_empty(), "a worker that ended is still watched");
}

#[tokio::test(start_paused = true)]
async fn a_task_that_always_panics_is_given_up() {
    let registry = registry();
    let handle = registry.register("resolve", "resolve/3");
    handle
        .supervise_task(|_| async {
            std::panic::panic_any(String::from("on purpose"));
        })
        .await;
    assert_eq!((registry.restarts(), registry.panics()), (vec![("resolve", 19)], 20));
    assert_eq!(registry.failures(), ["resolve/3: has panicked too often and is gone"]);
}

#[tokio::test(start_paused = true)]
async fn a_task_that_panics_once_is_back_within_a_second() {
    let registry = registry();
    let begun = tokio::time::Instant::now();
    let mut runs = 0;
    let work = |_: &WorkerHandle| {
        runs += 1;
        let first = runs == 1;
        async move { assert!(!first, "on purpose") }
    };
    registry.register("resolve", "resolve/0").supervise_task(work).await;
    assert_eq!(registry.restarts(), [("resolve", 1)]);
    assert!(begun.elapsed() < Duration::from_secs(1));
}

#[tokio::test]
async fn a_task_whose_supervisor_is_dropped_is_aborted() {
    let registry = registry();
    let handle = registry.register("resolve", "resolve/0");
    let (sender, ended) = tokio::sync::oneshot::channel::<()>();
    let mut sender = Some(sender);
    let supervised = tokio::spawn(handle.supervise_task(move |_| {
        let sender = sender.take();
        async move {
            let _held = sender;
            std::future::pending::<()>().await;
        }
    }));
    tokio::task::yield_now().await;
    supervised.abort();
    assert!(ended.await.is_err());
    assert!(registry.failures().is_empty());
}

#[test]
fn a_worker_is_stuck_only_while_it_has_something_to_do() {
    let registry = registry();
    let handle = registry.register("reload", "reload");
    let later = Instant::now() + STUCK_AFTER + Duration::from_secs(2);
    assert!(registry.failures_at(later).is_empty());
    let busy = handle.busy();
    assert!(registry.failures().is_empty());
    assert_eq!(registry.failures_at(later).len(), 1);
    assert!(registry.failures_at(later)[0].starts_with("reload: no progress for 3"));
    assert!(registry.failures_at(Instant::now() + STUCK_AFTER).is_empty());
    busy.progress();
    drop(busy);
    assert!(registry.failures_at(later).is_empty());
}

#[test]
fn a_piece_of_work_without_an_end_is_stuck() {
    let registry = registry();
    let handle = registry.register("udp", "udp 127.0.0.1:53/0");
    let begun = Instant::now();
    let later = begun + STUCK_AFTER + Duration::from_secs(2);
    handle.begin(begun);
    assert!(registry.failures_at(begun).is_empty());
    assert_eq!(registry.failures_at(later).len(), 1);
    handle.end();
    assert!(registry.failures_at(later).is_empty());
}

#[test]
fn a_worker_that_panics_while_busy_is_busy_no_more() {
    let registry = registry();
    let mut runs = 0;
    registry.register("zones", "zones/0").supervise(|handle| {
        runs += 1;
        let busy = handle.busy();
        if runs == 1 {
            std::mem::forget(busy);
            std::panic::panic_any("on purpose");
        }
        let later = Instant::now() + STUCK_AFTER + Duration::from_secs(1);
        drop(busy);
        assert!(registry.failures_at(later).is_empty());
    });
    assert_eq!(registry.panics(), 1);
}

#[test]
fn a_handle_dropped_by_a_panic_means_that_the_worker_is_gone() {
    let registry = registry();
    let handle = registry.register("metrics", "metrics");
    let thread = std::thread::spawn(move || {
        let _handle = handle;
        std::panic::panic_any("on purpose");
    });
    assert!(thread.join().is_err());
    assert_eq!(registry.failures(), ["metrics: has panicked too often and is gone"]);
}
