//! What the operator reads of tasks, and what is refused when it is saved.

use std::time::Duration;

use crate::world::{World, address};

const HOUR: Duration = Duration::from_secs(3_600);

#[tokio::test(start_paused = true)]
async fn a_dry_run_shows_the_next_five_times_in_the_zone_and_in_utc_and_saves_nothing() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.it_is("2027-03-26T12:00:00Z");
            let create = "tasks create andy up --every '30 2 * * *' --zone Europe/Berlin --dry-run";
            let said = world.command(create).await.unwrap().text;
            insta::assert_snapshot!(said, @r"
            it would come at:
            Sat 2027-03-27 02:30 Europe/Berlin (2027-03-27T01:30:00Z)
            Sun 2027-03-28 03:30 Europe/Berlin (2027-03-28T01:30:00Z)
            Mon 2027-03-29 02:30 Europe/Berlin (2027-03-29T00:30:00Z)
            Tue 2027-03-30 02:30 Europe/Berlin (2027-03-30T00:30:00Z)
            Wed 2027-03-31 02:30 Europe/Berlin (2027-03-31T00:30:00Z)
            ");
            let listed = world.command("tasks list --all").await.unwrap().data;
            assert_eq!(listed.as_array().unwrap().len(), 0);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_is_refused_when_it_is_saved_with_what_would_be_right() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.it_is("2026-11-20T08:30:00Z");
            let mut said = Vec::new();
            for how in [
                "--every 'at noon'",
                "--every '*/5 * * * *'",
                "--every '0 0 30 2 *'",
                "--at 2026-11-20T08:00",
                "--at sometime",
                "--at +1h --every @daily",
                "--at +1h --zone Europe/Berlni",
                "--at +1h --room slack:C9",
                "--at +1h --name 'My task'",
            ] {
                said.push(world.cli(&format!("tasks create andy look {how}")).await);
            }
            insta::assert_snapshot!(said.join("\n"), @r#"
            error: "at noon" is no cron expression: Invalid pattern: Pattern must have 5 fields when seconds are disallowed.
            hint: minute hour day month weekday, such as "0 8 * * MON-FRI", or @daily
            error: "*/5 * * * *" comes more often than every 15 minutes: at <time> and at <time>
            hint: each time costs a model's call: give it a script that can spare it, or say --often
            error: "0 0 30 2 *" never comes
            hint: the month may have no such day
            error: "2026-11-20T08:00" is past
            hint: give a time that is still to come
            error: "sometime" is no time
            hint: such as 2027-01-31T08:00 (in the zone), 08:00, or +20m
            error: a task is done at a time, or every so often
            hint: give --at or --every
            error: no time zone "Europe/Berlni"
            hint: did you mean Europe/Berlin, Europe/Dublin, Europe/Jersey?
            error: no room "slack:C9"
            hint: did you mean andy, terminal:andy?
            error: "My task" is no name for a task
            hint: up to 40 of a-z, 0-9 and -, not beginning with -
            "#);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_task_is_listed_shown_and_logged_with_its_times() {
    World::new()
        .agent("andy")
        .run(async |world| {
            world.it_is("2026-11-20T06:30:00Z");
            world.listen(&address("andy", None));
            let create = "tasks create andy 'Good morning' --name morning --every '0 8 * * *' \
                          --zone Europe/Berlin";
            world.command(create).await.unwrap();
            world.passes(HOUR).await;
            world.next_reply("andy").await;
            let mut said = Vec::new();
            for words in
                ["tasks list", "tasks show morning", "tasks pause morning"]
            {
                said.push(world.cli(words).await);
            }
            insta::assert_snapshot!(said.join("\n\n"), @r"
            NAME     AGENT  ROOM           WHEN       STATUS  NEXT                                                       ID
            morning  andy   terminal:andy  0 8 * * *  active  Sat 2026-11-21 08:00 Europe/Berlin (<time>)  task-…

            id       task-…
            name     morning
            agent    andy
            room     terminal:andy
            prompt   Good morning
            when     0 8 * * *
            zone     Europe/Berlin
            missed   once
            status   active
            next     Sat 2026-11-21 08:00 Europe/Berlin (<time>)
                     Sun 2026-11-22 08:00 Europe/Berlin (<time>)
                     Mon 2026-11-23 08:00 Europe/Berlin (<time>)
                     Tue 2026-11-24 08:00 Europe/Berlin (<time>)
                     Wed 2026-11-25 08:00 Europe/Berlin (<time>)
            made by  operator
            made     <time>

            task morning is paused; go on with: lazaret tasks resume task-…
            ");
            let log = world.cli("tasks log morning").await;
            let line = log.lines().nth(1).unwrap();
            assert!(line.starts_with("Fri 2026-11-20 08:00 Europe/Berlin"), "{log}");
            assert!(line.contains("completed"), "{log}");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_name_is_free_again_once_its_task_is_over_and_means_the_one_that_lives() {
    World::new()
        .agent("andy")
        .run(async |world| {
            let create = "tasks create andy look --name look --every @daily";
            world.command(create).await.unwrap();
            let again = world.cli(create).await;
            assert!(again.contains("andy has a task \"look\" already"), "{again}");
            world.command("tasks cancel andy/look").await.unwrap();
            assert!(world.cli("tasks show look").await.contains("cancelled"));
            world.passes(HOUR).await;
            world.command(create).await.unwrap();
            assert!(world.cli("tasks show look").await.contains("active"));
        })
        .await;
}
