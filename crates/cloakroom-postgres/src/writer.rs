//! The tasks that change sessions: whatever waits is one statement, and one commit.

use std::sync::Arc;

use cloakroom::stores::batch::{Batch, Driver, Reply};
use tokio_postgres::Row;

use crate::link::{Broken, Link};
use crate::write::{Columns, Write};

/// Operations, and bytes of them, in one statement. What they announce must fit into one notification, of 8,000 bytes.
const MOST: usize = 96;
const MOST_BYTES: usize = 4 << 20;

/// Works until nobody is left to ask.
pub(crate) async fn run(driver: Driver<Write, Reply>, link: Arc<Link>) {
    loop {
        link.rested().await;
        let Some(mut batch) = driver.next(MOST, MOST_BYTES).await else { return };
        let columns = Columns::of(&batch);
        let mut said = link.ask(|words| &words.apply, &columns.parameters()).await;
        if batch.len() == 1 && matches!(&said, Err(Broken::NotSent(error)) if error.is_passing()) {
            said = link.ask(|words| &words.apply, &columns.parameters()).await;
        }
        drop(columns);
        match said {
            Ok(rows) => answer(&mut batch, &rows),
            Err(Broken::NotSent(error)) if batch.len() > 1 && error.may_be_of_one() => {
                batch.retry_singly()
            }
            Err(broken) => {
                for index in 0..batch.len() {
                    batch.answer(index, Err(broken.of_write()));
                }
            }
        }
    }
}

/// Each row says which operation it is about. One without a row stays unanswered: nobody knows.
fn answer(batch: &mut Batch<Write, Reply>, rows: &[Row]) {
    for row in rows {
        let place = row.try_get::<_, i64>(0).ok().and_then(|place| usize::try_from(place - 1).ok());
        if let Some(index) = place.filter(|index| *index < batch.len()) {
            let reply = batch.op(index).answer(row);
            batch.answer(index, reply);
        }
    }
}
