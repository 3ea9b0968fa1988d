//! Runs that arrive at the same time are made durable together.
//!
//! Making a commit durable costs as much for one run as for many. So whoever adds a
//! run while another commit is under way waits with the others; then one of them
//! takes all that wait into one transaction.

use std::mem;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Mutex as AsyncMutex, oneshot};

use crate::batch::Batch;
use crate::catalogue::Store;
use crate::entity::NewRun;
use crate::error::StoreError;

/// The runs that wait for the next commit.
#[derive(Debug, Default)]
pub(crate) struct RunQueue {
    waiting: Mutex<Vec<Waiting>>,
    /// Held by the one that commits for all.
    lead: Arc<AsyncMutex<()>>,
}

#[derive(Debug)]
struct Waiting {
    run: NewRun,
    answer: oneshot::Sender<Result<i64, StoreError>>,
}

impl RunQueue {
    fn push(&self, waiting: Waiting) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push(waiting);
    }

    fn take(&self) -> Vec<Waiting> {
        mem::take(&mut self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Store {
    /// [`Batch::add_run`], durable on return. Callers at the same time share one
    /// transaction (and one [`Change`](crate::Change)), in which each succeeds or
    /// fails for itself.
    pub async fn add_run(&self, run: NewRun) -> Result<i64, StoreError> {
        let (answer, mut answered) = oneshot::channel();
        self.inner.runs.push(Waiting { run, answer });
        tokio::select! {
            biased;
            answer = &mut answered => return told(answer),
            lead = Arc::clone(&self.inner.runs.lead).lock_owned() => {
                let store = self.clone();
                // A task, so that it goes on for the others when this caller gives up.
                let led = tokio::spawn(async move {
                    let _lead = lead;
                    store.add_all(store.inner.runs.take()).await;
                });
                // Not only the answer: when all callers are gone, so is the task's store.
                let _ = led.await;
            }
        }
        told(answered.await)
    }

    async fn add_all(&self, mut waiting: Vec<Waiting>) {
        // Nobody is there any more to hear of these.
        waiting.retain(|waiting| !waiting.answer.is_closed());
        if waiting.len() > 1
            && let Ok(added) = self.add_together(&waiting).await
        {
            for (waiting, added) in waiting.into_iter().zip(added) {
                let _ = waiting.answer.send(added);
            }
            return;
        }
        // Alone, each gets its own reason, also for what befell the transaction.
        for Waiting { run, answer } in waiting {
            let _ = answer.send(self.add_alone(run).await);
        }
    }

    /// # Errors
    /// The transaction failed, and with it all runs.
    async fn add_together(&self, waiting: &[Waiting]) -> Result<Vec<Result<i64, StoreError>>, StoreError> {
        let mut batch = self.begin().await?;
        let mut added = Vec::with_capacity(waiting.len());
        for Waiting { run, .. } in waiting {
            added.push(batch.add_run_or_undo(run.clone()).await?);
        }
        // If all failed there is nothing to make durable.
        if added.iter().any(Result::is_ok) {
            batch.commit().await?;
        }
        Ok(added)
    }

    async fn add_alone(&self, run: NewRun) -> Result<i64, StoreError> {
        let mut batch = self.begin().await?;
        let id = batch.add_run(run).await?;
        batch.commit().await?;
        Ok(id)
    }
}

impl Batch {
    /// Adds the run, or leaves the transaction as it was and says why.
    ///
    /// # Errors
    /// The transaction itself failed.
    async fn add_run_or_undo(&mut self, run: NewRun) -> Result<Result<i64, StoreError>, StoreError> {
        sqlx::query("SAVEPOINT one_run").execute(self.connection()).await?;
        let added = self.add_run(run).await;
        if added.is_err() {
            sqlx::query("ROLLBACK TO SAVEPOINT one_run").execute(self.connection()).await?;
        }
        sqlx::query("RELEASE SAVEPOINT one_run").execute(self.connection()).await?;
        Ok(added)
    }
}

fn told(answer: Result<Result<i64, StoreError>, oneshot::error::RecvError>) -> Result<i64, StoreError> {
    // Without an answer the task has ended in the middle.
    answer.unwrap_or(Err(StoreError::Database(sqlx::Error::WorkerCrashed)))
}
