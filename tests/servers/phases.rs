//! Migrations in phases: old and new programs work between them.

use std::sync::Arc;

use crate::project::Project;
use crate::support::{Needs, Server, Suite, blocking_tests};

/// Adds the tests of this file.
pub(crate) fn tests(suite: &mut Suite) {
    blocking_tests!(suite, Needs::Server; old_and_new_programs_between_phases, table_with_both_names_between_phases, table_keeps_a_name_during_the_expand_phase, column_with_both_names_between_phases);
}

/// A new column with a backfill from another.
pub(crate) const WITH_MAIL: &str = "CREATE TABLE client (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    login text NOT NULL,
    mail text NOT NULL -- schemadiff: backfill: login || '@example.org' BATCH 500
);
";
pub(crate) const WITHOUT_MAIL: &str = "CREATE TABLE client (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    login text NOT NULL
);
";

/// A project with a table of `rows` rows, and a target with one more column.
pub(crate) fn with_rows(server: &Arc<Server>, rows: u32) -> Project {
    let project = Project::new(server);
    project.write("schema.sql", WITHOUT_MAIL);
    project.run("generate --at 2026-01-01T12:00:00 --name start").ends(0);
    project.run("migrate").ends(0);
    let insert =
        format!("INSERT INTO public.client (login) SELECT 'u' || g FROM generate_series(1, {rows}) AS g");
    project.sql(&insert);
    project.write("schema.sql", WITH_MAIL);
    project
}

fn old_and_new_programs_between_phases(server: &Arc<Server>) {
    let project = with_rows(server, 1000);
    project.run("generate --phased --at 2026-01-02T12:00:00 --name mail").ends(0);
    project.run("check").ends(0);
    project.run("migrate --to 20260102_120000_expand_mail").ends(0);
    project.sql("INSERT INTO public.client (login) VALUES ('old')");
    project.sql("INSERT INTO public.client (login, mail) VALUES ('new', 'new@example.com')");
    let of_old = "SELECT string_agg(mail, ' ' ORDER BY id) FROM public.client WHERE login IN ('old', 'new')";
    assert_eq!(project.sql(of_old), "old@example.org new@example.com");
    project.run("migrate --to 20260102_120001_backfill_mail").ends(0);
    assert_eq!(project.sql("SELECT count(*) FROM public.client WHERE mail IS NULL"), "0");
    project.sql("INSERT INTO public.client (login) VALUES ('late')");
    project.run("migrate").ends(0).says("contract_mail");
    project.run("drift").ends(0);
    project.run("generate").ends(0).says("nothing to do");
    project.run("rollback --steps 3 --allow DataLoss").ends(0);
    assert_eq!(project.sql("SELECT count(*) FROM public.client"), "1003");
}

fn table_with_both_names_between_phases(server: &Arc<Server>) {
    let project = with_rows(server, 10);
    project.sql("CREATE ROLE clerk");
    let text = "-- schemadiff: renamed_from: client
CREATE TABLE customer (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL -- schemadiff: renamed_from: login
);
";
    project.write("schema.sql", text);
    project.run("generate --phased --at 2026-01-02T12:00:00 --name rename").ends(0);
    project.run("check").ends(0);
    project.run("migrate --to 20260102_120000_expand_rename").ends(0);
    project.sql("INSERT INTO public.client (login) VALUES ('old')");
    project.sql("UPDATE public.client SET login = login || '!' WHERE login = 'old'");
    project.sql("INSERT INTO public.customer (name) VALUES ('new')");
    assert_eq!(project.sql("SELECT count(*) FROM public.client"), "12");
    project.run("migrate").ends(0).says("contract_rename");
    assert_eq!(project.sql("SELECT to_regclass('public.client')"), "NULL");
    assert_eq!(project.sql("SELECT count(*) FROM public.customer WHERE name = 'old!'"), "1");
    project.run("drift").ends(0);
    project.run("generate").ends(0).says("nothing to do");
    project.run("rollback --steps 2").ends(0);
    assert_eq!(project.sql("SELECT count(*) FROM public.client"), "12");
}

fn table_keeps_a_name_during_the_expand_phase(server: &Arc<Server>) {
    let project = Project::new(server);
    let coupon = "CREATE TABLE public.coupon (id int PRIMARY KEY, item int REFERENCES public.item);\n";
    project
        .write("schema.sql", &format!("CREATE TABLE public.item (id int PRIMARY KEY, name text);\n{coupon}"));
    project.run("generate --at 2026-01-01T00:00:00").ends(0);
    let renamed = "-- schemadiff: renamed_from: item\nCREATE TABLE public.thing (id int PRIMARY KEY, name text, more int);\n";
    project.write("schema.sql", renamed);
    project.run("generate --phased --drop park --allow all --at 2026-01-02T00:00:00").ends(0);
    let files = std::fs::read_dir(project.path("generated")).unwrap();
    let mut expand = files.map(|file| file.unwrap().path()).filter(|path| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        name.contains("expand") && !name.ends_with("rollback.sql")
    });
    let text = std::fs::read_to_string(expand.next().unwrap()).unwrap();
    let (rename, view) =
        (text.find("RENAME TO thing").unwrap(), text.find("CREATE VIEW public.item").unwrap());
    assert!(!text[rename..view].contains("COMMIT"), "{text}");
}

fn column_with_both_names_between_phases(server: &Arc<Server>) {
    let project = with_rows(server, 10);
    let text = "CREATE TABLE client (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL, -- schemadiff: renamed_from: login
    initial text NOT NULL -- schemadiff: backfill: left(name, 1)
);
";
    project.write("schema.sql", text);
    project.run("generate --policy phased --at 2026-01-02T12:00:00 --name rename --dry-run").says("contract");
    project.run("generate --phased --at 2026-01-02T12:00:00 --name rename").ends(0).says("BreaksClients");
    project.run("check").ends(0);
    let differ = "SELECT count(*) FROM public.client WHERE login IS DISTINCT FROM name OR initial IS NULL";
    project.run("migrate --to 20260102_120001_backfill_rename").ends(0);
    assert_eq!(project.sql(differ), "0");
    project.sql("INSERT INTO public.client (login) VALUES ('old')");
    project.sql("INSERT INTO public.client (name, initial) VALUES ('new', 'n')");
    project.sql("UPDATE public.client SET login = 'older' WHERE login = 'old'");
    project.sql("UPDATE public.client SET name = 'newer' WHERE name = 'new'");
    assert_eq!(project.sql(differ), "0");
    assert_eq!(project.sql("SELECT count(*) FROM public.client WHERE name IN ('older', 'newer')"), "2");
    project.run("migrate").ends(0).says("contract_rename");
    project.run("drift").ends(0);
    project.run("generate").ends(0).says("nothing to do");
    assert_eq!(project.sql("SELECT count(*) FROM public.client WHERE name IN ('older', 'newer')"), "2");
    project.run("rollback").ends(0);
    assert_eq!(project.sql(differ), "0");
}
