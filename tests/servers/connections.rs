//! Connections and scratch servers.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::{Arc, Mutex};

use schemadiff::db::{Environment, Session, Target};
use schemadiff::error::{Error, codes};
use schemadiff::scratch::{Choice, RoleStub, Scratch, ScratchOptions};

use crate::support::{Needs, Server, Suite, environment, tests};

/// Adds the tests of this file.
pub(crate) fn tests(suite: &mut Suite) {
    tests!(suite, Needs::Server; silent_server_times_out);
    if has_openssl() {
        tests!(suite, Needs::Installed("it starts a cluster of its own"); logins_and_tls_as_in_libpq);
    } else {
        suite.ignore("servers::connections::logins_and_tls_as_in_libpq", "openssl");
    }
    tests!(
        suite, Needs::Installed("it starts a cluster of its own");
        private_servers, private_servers_end_with_their_owner,
        reasons_for_the_choice_of_a_server,
    );
    tests!(
        suite, Needs::Installed("it needs several connections");
        cancelled_statements_and_lost_connections, borrowed_servers_are_left_as_they_were,
    );
    tests!(suite, Needs::EachInstalled("it starts a cluster of its own"); every_installed_major_starts);
}

async fn private_servers(server: Arc<Server>) {
    let scratch = server.another().await;
    let database = scratch.database().await.unwrap();
    assert!(database.session.superuser());
    database
        .stub_roles(&[RoleStub::new("ann"), RoleStub { name: "Öl \"x".into(), superuser: true }])
        .await
        .unwrap();
    database.stub_roles(&[RoleStub::new("ann")]).await.unwrap();
    let rows = database
        .session
        .rows("CREATE TABLE public.t (a int); INSERT INTO public.t VALUES (1), (NULL); SELECT a, 'é' AS b FROM public.t ORDER BY a")
        .await
        .unwrap();
    assert_eq!(rows.len(), 2);
    assert_eq!((rows[0].get(0), rows[1].named("a"), rows[1].named("b")), (Some("1"), None, Some("é")));
    let Err(Error::Server(error)) = database.session.run("SELECT 'é', nope").await else { panic!("ran") };
    assert_eq!((error.code.as_str(), error.position), ("42703", Some(13)));
    let other = database.another_session().await.unwrap();
    assert_eq!(other.rows("SELECT count(*) FROM public.t").await.unwrap()[0].get(0), Some("2"));
    other.close().await;
    database.drop_now().await.unwrap();
    scratch.stop().await;
}

/// A server of the test's own, with passwords and TLS, on a port of the loopback interface.
struct TlsServer {
    folder: tempfile::TempDir,
    child: std::process::Child,
    port: u16,
}

impl TlsServer {
    fn start(binaries: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_owned();
        give(&path);
        let data = path.join("data");
        let made = as_server(Command::new(binaries.join("initdb")))
            .args(["-U", "admin", "-A", "trust", "--no-sync", "-D"])
            .arg(&data)
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        std::fs::write(
            data.join("pg_hba.conf"),
            "local all all trust\n\
             hostssl all plain all reject\n\
             hostnossl all secret all reject\n\
             hostssl all cert all cert\n\
             host all all all scram-sha-256\n",
        )
        .unwrap();
        certificates(&data);
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = as_server(Command::new(binaries.join("postgres")))
            .arg("-D")
            .arg(&data)
            .arg("-k")
            .arg(&path)
            .args([
                "-p",
                &port.to_string(),
                "-c",
                "fsync=off",
                "-c",
                "listen_addresses=127.0.0.1",
                "-c",
                "ssl=on",
            ])
            .args(["-c", "ssl_ca_file=ca.crt"])
            .stdout(std::process::Stdio::null())
            .stderr(std::fs::File::create(path.join("log")).unwrap())
            .spawn()
            .unwrap();
        let ready = || {
            let text = std::fs::read_to_string(data.join("postmaster.pid")).unwrap_or_default();
            text.lines().nth(7).is_some_and(|line| line.trim() == "ready")
        };
        for _ in 0..2000 {
            if ready() {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        assert!(ready(), "{}", std::fs::read_to_string(path.join("log")).unwrap());
        Self { folder, child, port }
    }

    fn path(&self, file: &str) -> String {
        self.folder.path().join(file).display().to_string()
    }

    async fn admin(&self) -> Session {
        let text =
            format!("host={} port={} user=admin dbname=postgres", self.folder.path().display(), self.port);
        Session::connect(&Target::parse(&text, &Environment::default()).unwrap()).await.unwrap()
    }

    /// Connects with these parameters and returns the outcome.
    async fn outcome(&self, parameters: &str, variables: &[(&str, &str)]) -> String {
        let text = format!("port={} dbname=postgres connect_timeout=5 {parameters}", self.port);
        let target = match Target::parse(&text, &Environment::from_vars(variables.iter().copied())) {
            Ok(target) => target,
            Err(error) => return error.to_string(),
        };
        match Session::connect(&target).await {
            Ok(session) => {
                let sql = "SELECT ssl FROM pg_catalog.pg_stat_ssl WHERE pid = pg_catalog.pg_backend_pid()";
                let rows = session.rows(sql).await.unwrap();
                session.close().await;
                if rows[0].get(0) == Some("t") { "encrypted".into() } else { "plain".into() }
            }
            Err(error) => error.to_string().replace(&self.port.to_string(), "PORT"),
        }
    }
}

impl Drop for TlsServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The user that runs servers if the tests run as root.
fn server_user() -> Option<(u32, u32)> {
    use std::os::unix::fs::MetadataExt as _;
    if std::fs::metadata("/proc/self").is_ok_and(|me| me.uid() != 0) {
        return None;
    }
    let users = std::fs::read_to_string("/etc/passwd").unwrap();
    let line = users
        .lines()
        .find(|line| line.starts_with("postgres:"))
        .or_else(|| users.lines().find(|line| line.starts_with("nobody:")));
    let fields: Vec<&str> = line.unwrap().split(':').collect();
    Some((fields[2].parse().unwrap(), fields[3].parse().unwrap()))
}

fn give(path: &std::path::Path) {
    if let Some((user, group)) = server_user() {
        std::os::unix::fs::chown(path, Some(user), Some(group)).unwrap();
    }
}

fn as_server(mut command: Command) -> Command {
    use std::os::unix::process::CommandExt as _;
    if let Some((user, group)) = server_user() {
        command.uid(user).gid(group);
    }
    command.current_dir("/");
    command
}

/// An authority, a server's certificate for `localhost` and a client's for the role `cert`.
fn certificates(data: &std::path::Path) {
    let openssl = |arguments: &str| {
        let output =
            Command::new("openssl").args(arguments.split_whitespace()).current_dir(data).output().unwrap();
        assert!(output.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&output.stderr));
    };
    std::fs::write(data.join("san"), "subjectAltName=DNS:localhost\n").unwrap();
    openssl("req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=Test-CA -keyout ca.key -out ca.crt");
    openssl("req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=Other-CA -keyout other.key -out other.crt");
    openssl(
        "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout self.key -out self.crt",
    );
    for (file, name) in [("server", "localhost"), ("client", "cert")] {
        openssl(&format!("req -newkey rsa:2048 -nodes -subj /CN={name} -keyout {file}.key -out {file}.csr"));
        openssl(&format!(
            "x509 -req -in {file}.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile san -out {file}.crt"
        ));
    }
    for file in ["server.key", "server.crt", "ca.crt", "self.key", "self.crt"] {
        give(&data.join(file));
    }
}

fn has_openssl() -> bool {
    Command::new("openssl").arg("version").output().is_ok()
}

async fn logins_and_tls_as_in_libpq(server: Arc<Server>) {
    let server = TlsServer::start(server.programs());
    let admin = server.admin().await;
    admin
        .run("CREATE ROLE ann LOGIN PASSWORD 'pw:1'; CREATE ROLE plain LOGIN PASSWORD 'pw'; CREATE ROLE secret LOGIN PASSWORD 'pw'; \
              CREATE ROLE cert LOGIN")
        .await
        .unwrap();
    admin.run("CREATE DATABASE closed").await.unwrap();
    admin.run("REVOKE CONNECT ON DATABASE closed FROM PUBLIC").await.unwrap();
    let (ca, other, leaf) =
        (server.path("data/ca.crt"), server.path("data/other.crt"), server.path("data/server.crt"));
    let (crt, key) = (server.path("data/client.crt"), server.path("data/client.key"));
    let mut wrong = Vec::new();
    let untrusted = "the certificate of localhost:PORT is not signed by a trusted authority";
    let wrong_name = "the certificate of 127.0.0.1:PORT is not valid for the host `127.0.0.1`";
    let ann = "user=ann password=pw:1 host=localhost hostaddr=127.0.0.1";
    let by_address = "user=ann password=pw:1 host=127.0.0.1";
    for (parameters, expected) in [
        (format!("{ann} sslmode=disable"), "plain"),
        (format!("{ann} sslmode=allow"), "plain"),
        (ann.to_owned(), "encrypted"),
        (format!("{ann} sslmode=require"), "encrypted"),
        (format!("{ann} sslmode=require sslrootcert={ca}"), "encrypted"),
        (format!("{ann} sslmode=require sslrootcert={other}"), untrusted),
        (format!("{ann} sslmode=prefer sslrootcert={other}"), "plain"),
        (format!("{ann} sslmode=verify-ca sslrootcert={ca}"), "encrypted"),
        (format!("{ann} sslmode=verify-ca sslrootcert={other}"), untrusted),
        (format!("{ann} sslmode=verify-full sslrootcert={ca}"), "encrypted"),
        // As with OpenSSL, a certificate that another authority signed is not a root.
        (format!("{ann} sslmode=verify-full sslrootcert={leaf}"), untrusted),
        (format!("{ann} sslrootcert=system"), untrusted),
        (format!("{by_address} sslmode=verify-ca sslrootcert={ca}"), "encrypted"),
        (format!("{by_address} sslmode=verify-full sslrootcert={ca}"), wrong_name),
        (format!("{ann} sslmode=require channel_binding=require"), "encrypted"),
        (format!("{ann} sslmode=require ssl_max_protocol_version=TLSv1.2"), "encrypted"),
        (
            format!("{ann} sslmode=disable channel_binding=require"),
            "localhost:PORT does not support channel binding, which channel_binding=require needs",
        ),
        // pg_hba.conf distinguishes encrypted connections; `prefer` and `allow` try both.
        ("user=plain password=pw host=localhost hostaddr=127.0.0.1".to_owned(), "plain"),
        ("user=secret password=pw host=localhost hostaddr=127.0.0.1 sslmode=allow".to_owned(), "encrypted"),
        (
            format!("user=cert host=localhost hostaddr=127.0.0.1 sslmode=require sslcert={crt} sslkey={key}"),
            "encrypted",
        ),
    ] {
        let outcome = server.outcome(&parameters, &[]).await;
        if outcome != expected {
            wrong.push(format!("{parameters}: {outcome}, expected {expected}"));
        }
    }
    for (parameters, expected) in [
        ("user=ann password=bad host=127.0.0.1", "127.0.0.1:PORT rejects the password of the role `ann`"),
        ("user=ann host=127.0.0.1", "127.0.0.1:PORT requires a password for the role `ann`"),
        (
            "user=ann password=pw:1 host=127.0.0.1 dbname=nope",
            "the database `nope` does not exist on 127.0.0.1:PORT",
        ),
        (
            "user=ann password=pw:1 host=127.0.0.1 dbname=closed",
            "the role `ann` may not connect to the database `closed` on 127.0.0.1:PORT",
        ),
        ("user=ann host=no-such-host.invalid", "the host name `no-such-host.invalid` cannot be resolved"),
        ("user=ann host=127.0.0.1 port=1", "no server listens at 127.0.0.1:1"),
        ("user=ann host=/nowhere", "no server listens on the socket /nowhere/.s.PGSQL.PORT"),
        ("user=ann password=pw:1 host=127.0.0.1,127.0.0.1 port=1,PORT", "encrypted"),
        (
            "user=cert host=localhost hostaddr=127.0.0.1 sslcertmode=require",
            "sslcertmode=require requires a client certificate",
        ),
        (
            "user=ann host=h sslrootcert=system sslmode=require",
            "sslrootcert=system requires sslmode=verify-full",
        ),
        ("user=ann host=127.0.0.1 sslmode=verify-full", "no root certificate is given, and HOME is not set"),
    ] {
        let parameters = parameters.replace("PORT", &server.port.to_string());
        let outcome = server.outcome(&parameters, &[]).await;
        if outcome != expected {
            wrong.push(format!("{parameters}: {outcome}, expected {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    passwords_from_files(&server).await;

    // A self-signed certificate.
    admin.run("ALTER SYSTEM SET ssl_cert_file = 'self.crt'").await.unwrap();
    admin.run("ALTER SYSTEM SET ssl_key_file = 'self.key'").await.unwrap();
    admin.run("SELECT pg_catalog.pg_reload_conf()").await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    let own = server.path("data/self.crt");
    assert_eq!(
        server.outcome(&format!("{ann} sslmode=verify-full sslrootcert={own}"), &[]).await,
        "encrypted"
    );
    assert_eq!(server.outcome(&format!("{ann} sslmode=verify-full sslrootcert={ca}"), &[]).await, untrusted);
    let outcome = server.outcome(&format!("{by_address} sslmode=verify-full sslrootcert={own}"), &[]).await;
    assert_eq!(outcome, wrong_name);
}

async fn passwords_from_files(server: &TlsServer) {
    use std::os::unix::fs::PermissionsExt as _;
    let home = tempfile::tempdir().unwrap();
    let (pgpass, service) = (home.path().join(".pgpass"), home.path().join(".pg_service.conf"));
    std::fs::write(&pgpass, "127.0.0.1:*:postgres:ann:pw\\:1\n").unwrap();
    std::fs::write(&service, "[app]\nhost=127.0.0.1\nuser=ann\n").unwrap();
    let variables = [("HOME", home.path().to_str().unwrap())];
    let mode = |mode| std::fs::set_permissions(&pgpass, std::fs::Permissions::from_mode(mode)).unwrap();
    mode(0o600);
    assert_eq!(server.outcome("service=app", &variables).await, "encrypted");
    assert_eq!(
        server.outcome("service=app password=bad", &variables).await,
        "127.0.0.1:PORT rejects the password of the role `ann`"
    );
    mode(0o644);
    let text = format!("service=app port={} dbname=postgres", server.port);
    let target = Target::parse(&text, &Environment::from_vars(variables)).unwrap();
    let Err(Error::Diagnostics(found)) = Session::connect(&target).await else { panic!("connected") };
    assert_eq!(found[0].code, codes::CONNECTION);
    assert!(
        found[0].help[0].ends_with("is ignored: other users may read it; run chmod 0600 on it"),
        "{found:?}"
    );
}

async fn silent_server_times_out(_server: Arc<Server>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let text =
        format!("host=127.0.0.1 port={} user=me connect_timeout=1", listener.local_addr().unwrap().port());
    let target = Target::parse(&text, &Environment::default()).unwrap();
    let error = Session::connect(&target).await.unwrap_err().to_string();
    assert!(error.ends_with("did not answer within 1 s"), "{error}");
}

async fn cancelled_statements_and_lost_connections(server: Arc<Server>) {
    let scratch = server.another().await;
    let database = scratch.database().await.unwrap();
    let canceller = database.session.canceller();
    let cancelling = tokio::spawn(async move {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        canceller.cancel().await.unwrap();
    });
    let Err(Error::Server(error)) = database.session.run("SELECT pg_catalog.pg_sleep(10)").await else {
        panic!("slept")
    };
    assert_eq!(error.code, "57014");
    cancelling.await.unwrap();
    let error = database
        .session
        .run("SELECT pg_catalog.pg_terminate_backend(pg_catalog.pg_backend_pid())")
        .await
        .unwrap_err();
    assert!(error.to_string().contains("terminating connection"), "{error}");
    let error = database.session.run("SELECT 1").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the connection was lost: terminating connection due to administrator command"
    );
}

async fn borrowed_servers_are_left_as_they_were(server: Arc<Server>) {
    let lender = server.another().await;
    let home = lender.database().await.unwrap();
    home.session
        .run("CREATE ROLE maker LOGIN CREATEDB CREATEROLE; CREATE ROLE there; CREATE ROLE poor LOGIN")
        .await
        .unwrap();
    // A private cluster has only template1; other servers have this one too.
    home.session
        .run(&format!("CREATE DATABASE template0 TEMPLATE {} IS_TEMPLATE true", home.session.database()))
        .await
        .unwrap();
    let text = format!("{} user=maker", reachable(&home));
    let wanted = |text: &str| ScratchOptions {
        choice: Choice::parse(text, &Environment::default()).unwrap(),
        ..ScratchOptions::any(environment())
    };
    let scratch = Scratch::start(&wanted(&text)).await.unwrap();
    assert_eq!(scratch.rung().name, "url");
    let database = scratch.database().await.unwrap();
    database.stub_roles(&[RoleStub::new("owner"), RoleStub::new("there")]).await.unwrap();
    database.session.run("CREATE TABLE public.t (); GRANT CREATE ON SCHEMA public TO owner; ALTER TABLE public.t OWNER TO owner").await.unwrap();
    let left = "SELECT (SELECT count(*) FROM pg_catalog.pg_database WHERE datname LIKE 'schemadiff%') || ' ' ||
                       (SELECT string_agg(rolname, ' ' ORDER BY rolname) FROM pg_catalog.pg_roles WHERE rolname !~ '^pg_')";
    let count = async || home.session.rows(left).await.unwrap()[0].get(0).unwrap().to_owned();
    assert_eq!(count().await, "1 maker owner poor schemadiff there");
    let error = database.stub_roles(&[RoleStub { name: "root".into(), superuser: true }]).await.unwrap_err();
    assert!(error.to_string().contains("may not create it"), "{error}");
    // Without closing them, as after an error.
    drop(database);
    drop(scratch);
    assert_eq!(count().await, "0 maker poor schemadiff there");
    let Err(Error::Diagnostics(found)) = Scratch::start(&wanted(&text.replace("maker", "poor"))).await else {
        panic!("started")
    };
    assert_eq!(found[0].code, codes::PRIVILEGE);

    // After a kill, the next run cleans up.
    let mut child = Child::start(&text);
    assert_eq!(count().await, "1 maker orphan poor schemadiff there");
    child.kill();
    Scratch::start(&wanted(&text)).await.unwrap().stop().await;
    assert_eq!(count().await, "0 maker poor schemadiff there");
}

/// The address of a database, for another program.
fn reachable(database: &schemadiff::scratch::ScratchDatabase) -> String {
    let variables = database.target().libpq_variables();
    let get = |name: &str| variables.iter().find(|(other, _)| *other == name).unwrap().1.clone();
    format!("host={} port={} dbname={}", get("PGHOST"), get("PGPORT"), get("PGDATABASE"))
}

/// This test program again, holding a scratch database until it is ended.
struct Child {
    child: std::process::Child,
    address: String,
}

impl Child {
    fn start(choice: &str) -> Self {
        use std::io::BufRead as _;
        let mut child = Command::new(std::env::current_exe().unwrap())
            .env("SCHEMADIFF_TEST_CHOICE", choice)
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let lines = std::io::BufReader::new(child.stdout.take().unwrap()).lines();
        let address = lines
            .map(Result::unwrap)
            .find_map(|line| line.split_once("holding ").map(|(_, address)| address.to_owned()));
        Self { child, address: address.expect("the child starts") }
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// Holds a scratch database until the process is ended, if another test has started this program for that.
pub(crate) fn child() -> Option<ExitCode> {
    let choice = std::env::var("SCHEMADIFF_TEST_CHOICE").ok()?;
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let number = runtime.block_on(async {
        let options = ScratchOptions {
            choice: Choice::parse(&choice, &Environment::default()).unwrap(),
            ..ScratchOptions::any(environment())
        };
        let scratch = Scratch::start(&options).await.unwrap();
        let database = scratch.database().await.unwrap();
        database.stub_roles(&[RoleStub::new("orphan")]).await.unwrap();
        println!("holding {}", if choice.contains("host") { String::new() } else { reachable(&database) });
        let number = schemadiff::scratch::Signals::install().unwrap().next().await;
        schemadiff::scratch::clean_up().await;
        number
    });
    Some(ExitCode::from(128 + number))
}

async fn private_servers_end_with_their_owner(server: Arc<Server>) {
    let choice = format!("binaries:{}", server.programs().display());
    let folder_of =
        |child: &Child| PathBuf::from(child.address.split(' ').next().unwrap().trim_start_matches("host="));
    let runs = |folder: &std::path::Path| {
        let output = Command::new("ps").args(["-eo", "args"]).output().unwrap();
        String::from_utf8_lossy(&output.stdout).contains(&folder.display().to_string())
    };

    let mut child = Child::start(&choice);
    let folder = folder_of(&child);
    assert!(folder.exists() && runs(&folder), "{}", child.address);
    assert!(Command::new("kill").args(["-TERM", &child.child.id().to_string()]).status().unwrap().success());
    assert_eq!(child.child.wait().unwrap().code(), Some(143));
    assert!(!folder.exists() && !runs(&folder), "after SIGTERM");

    let mut child = Child::start(&choice);
    let folder = folder_of(&child);
    // A folder is not removed in its first seconds.
    std::thread::sleep(std::time::Duration::from_millis(2500));
    child.kill();
    // Another start removes the folder.
    server.another().await.stop().await;
    assert!(!folder.exists() && !runs(&folder), "after kill -9");
}

async fn reasons_for_the_choice_of_a_server(server: Arc<Server>) {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&lines);
    let nothing = Environment::from_vars([("PATH", "/nowhere")]);
    let wanted = ScratchOptions {
        choice: Choice::Binaries(Some("/nowhere".into())),
        messages: Arc::new(move |line| sink.lock().unwrap().push(line.to_owned())),
        ..ScratchOptions::any(nothing)
    };
    let Err(error) = Scratch::start(&wanted).await else { panic!("started") };
    assert_eq!(error.to_string(), "no server programs of PostgreSQL 14 or later in /nowhere");
    let Err(error) = Scratch::start(&ScratchOptions { choice: Choice::Environment, ..wanted }).await else {
        panic!("started")
    };
    assert_eq!(error.to_string(), "no environment is selected");

    let sink = Arc::clone(&lines);
    let options = ScratchOptions {
        extensions: vec!["no_such_extension".into()],
        messages: Arc::new(move |line| sink.lock().unwrap().push(line.to_owned())),
        ..server.options()
    };
    let Err(Error::Diagnostics(found)) = Scratch::start(&options).await else { panic!("started") };
    assert_eq!(found[0].code, codes::EXTENSION);
    let options = ScratchOptions { extensions: vec!["plpgsql".into()], choice: Choice::Auto, ..options };
    Scratch::start(&options).await.unwrap().stop().await;
    let lines = lines.lock().unwrap();
    assert_eq!(lines.len(), 1);
    assert!(lines[0].starts_with("scratch server: binaries, PostgreSQL "), "{lines:?}");
}

async fn every_installed_major_starts(server: Arc<Server>) {
    // The second start copies a template.
    for _ in 0..2 {
        let scratch = server.another().await;
        let database = scratch.database().await.unwrap();
        let sql = "SELECT pg_catalog.current_setting('search_path'), datcollate FROM pg_catalog.pg_database
                   WHERE datname = pg_catalog.current_database()";
        let rows = database.session.rows(sql).await.unwrap();
        assert_eq!((rows[0].get(0), rows[0].get(1)), (Some(""), Some("C.UTF-8")));
        database.drop_now().await.unwrap();
        scratch.stop().await;
    }
    let options = ScratchOptions {
        choice: Choice::Binaries(None),
        major: Some(server.major),
        ..ScratchOptions::any(environment())
    };
    let scratch = Scratch::start(&options).await.unwrap();
    assert_eq!(scratch.version().major(), server.major);
    scratch.stop().await;
}
