//! reqwest with its cookie store: `with_reqwest SCENARIO URL`. Prints what it sees, one JSON object
//! a line.
#![expect(clippy::print_stdout, reason = "a program of the tests")]

use std::error::Error;

use reqwest::{Client, Response};
use serde_json::{Value, json};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome {
    let mut args = std::env::args().skip(1);
    let scenario = args.next().ok_or("no scenario")?;
    let url = args.next().ok_or("no URL")?;
    let program = Program { client: Client::builder().cookie_store(true).build()?, url };
    match &*scenario {
        "visits" => program.visits().await,
        "session" => program.session().await,
        _ => Err(format!("no scenario `{scenario}`").into()),
    }
}

struct Program {
    client: Client,
    url: String,
}

impl Program {
    async fn visits(&self) -> Outcome {
        for _ in 0..3 {
            self.visit().await?;
        }
        Ok(())
    }

    async fn session(&self) -> Outcome {
        self.visit().await?;
        self.visit().await?;
        self.sign_in().await?;
        self.visit().await?;

        self.wait(16).await?; // the key is renewed
        self.visit().await?;
        self.visit().await?;
        self.wait(2).await?; // the old key retires
        self.visit().await?;
        self.wait(2).await?;
        report("keys", self.get("/keys").await?).await?;

        self.wait(16).await?; // renewed again, in two requests at once
        let (one, other) = tokio::try_join!(self.get("/together"), self.get("/together"))?;
        report("together", one).await?;
        report("together", other).await?;
        self.visit().await?;

        report("sign out", self.post("/logout", &[]).await?).await?;
        self.sign_in().await?;
        self.wait(31).await?; // the session expires
        report("come back", self.get("/").await?).await
    }

    async fn visit(&self) -> Outcome {
        report("visit", self.get("/visit").await?).await
    }

    async fn sign_in(&self) -> Outcome {
        let form = self.get("/login").await?.text().await?;
        let token =
            form.split_once(r#"name="token" value=""#).and_then(|(_, it)| it.split('"').next());
        let token = token.ok_or("the form has no token")?;
        report("sign in", self.post("/login", &[("name", "alice"), ("token", token)]).await?).await
    }

    async fn wait(&self, minutes: u64) -> Outcome {
        self.post("/clock", &[("minutes", &minutes.to_string())]).await?.error_for_status()?;
        Ok(())
    }

    async fn get(&self, path: &str) -> reqwest::Result<Response> {
        self.client.get(format!("{}{path}", self.url)).send().await
    }

    async fn post(&self, path: &str, form: &[(&str, &str)]) -> reqwest::Result<Response> {
        self.client.post(format!("{}{path}", self.url)).form(form).send().await
    }
}

async fn report(step: &str, answer: Response) -> Outcome {
    let status = answer.status().as_u16();
    let saw: Value = serde_json::from_str(&answer.text().await?)?;
    println!("{}", json!({ "step": step, "status": status, "saw": saw }));
    Ok(())
}
