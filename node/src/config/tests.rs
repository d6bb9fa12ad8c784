//! Settings are read from every layer, later ones win, and whatever is wrong is shown where it is.

use expect_test::{Expect, expect, expect_file};

use super::{
    Config, SECTIONS, docs,
    load::{Loaded, Origin, Overrides, parse},
    problem::{nearest, offset},
    value::{duration, duration_text},
};

fn read(text: &str) -> Loaded {
    layered(text, &Overrides::default()).unwrap_or_else(|problems| panic!("{problems}"))
}

fn layered(text: &str, overrides: &Overrides) -> Result<Loaded, String> {
    parse("node.toml", text.to_owned(), overrides).map_err(|problems| problems.to_string())
}

fn refused(text: &str, expected: &Expect) {
    let problems = layered(text, &Overrides::default()).expect_err("it is refused");
    expected.assert_eq(&problems);
}

#[test]
fn nothing_at_all_is_the_built_in_configuration() {
    assert_eq!(read("").config, Config::default());
}

/// What is printed is read as the same, for every key: `config show` can be used as a file.
#[test]
fn the_built_in_values_read_back() {
    let built_in = Config::default();
    let mut text = String::new();
    for section in SECTIONS {
        text.push_str(&format!("[{}]\n", section.name));
        for key in section.keys {
            let value = built_in.print(section.name, key.name);
            text.push_str(&format!("{} = {value}\n", key.name));
        }
    }
    assert_eq!(read(&text).config, built_in, "{text}");
}

#[test]
fn a_written_file_reads_back() {
    let text = "[node]\nmode = \"validator\"\n[network]\nlisten = \"[::1]:7\"\n\
                peers = [\"0101010101010101010101010101010101010101010101010101010101010101@a.b:1\"]\n\
                [store]\nblocks_kept = 12\ncache = \"2GiB\"\n[log]\nfilter = \"a=debug,info\"\n";
    let config = read(text).config;
    assert_ne!(config, Config::default());
    assert_eq!(read(&docs::file(&config)).config, config);
}

#[test]
fn a_misspelt_key_is_underlined_and_suggested() {
    refused(
        "# mine\n[network]\nlistn = \"0.0.0.0:7000\"\n",
        &expect![[r#"
            unknown key `listn` in [network]
             --> node.toml:3:1
              |
            3 | listn = "0.0.0.0:7000"
              | ^^^^^ did you mean `listen`? known keys: `listen`, `peers`, `full_slots`"#]],
    );
}

#[test]
fn a_key_of_another_section_is_sent_there() {
    refused(
        "[api]\npeers = []\n[store]\nfilter = \"info\"\n",
        &expect![[r#"
            unknown key `peers` in [api]
             --> node.toml:2:1
              |
            2 | peers = []
              | ^^^^^ `peers` is a key of [network]

            error: unknown key `filter` in [store]
             --> node.toml:4:1
              |
            4 | filter = "info"
              | ^^^^^^ `filter` is a key of [log]"#]],
    );
}

#[test]
fn an_unknown_section_is_suggested() {
    refused(
        "[netwrok]\nlisten = \"0.0.0.0:1\"\n[quux]\nmode = 1\n",
        &expect![[r#"
            unknown section `netwrok`
             --> node.toml:1:2
              |
            1 | [netwrok]
              |  ^^^^^^^ did you mean `network`?

            error: unknown section `quux`
             --> node.toml:3:2
              |
            3 | [quux]
              |  ^^^^ known sections: `node`, `genesis`, `secrets`, `consensus`, `network`, `api`, `metrics`, `store`, `capture`, `threads`, `log`, `shutdown`"#]],
    );
}

#[test]
fn a_wrong_type_says_what_it_takes() {
    refused(
        "[network]\nlisten = 7000\nfull_slots = \"many\"\n[capture]\nenabled = \"yes\"\n",
        &expect![[r#"
            `network.listen` cannot be the number 7000
             --> node.toml:2:10
              |
            2 | listen = 7000
              |          ^^^^ expected an IP address and a port such as `127.0.0.1:7400`

            error: `network.full_slots` cannot be the text "many"
             --> node.toml:3:14
              |
            3 | full_slots = "many"
              |              ^^^^^^ expected a whole number from 0 to 4096

            error: `capture.enabled` cannot be the text "yes"
             --> node.toml:5:11
              |
            5 | enabled = "yes"
              |           ^^^^^ expected `true` or `false`"#]],
    );
}

#[test]
fn an_impossible_value_says_its_range() {
    refused(
        "[shutdown]\ngrace = \"1ms\"\n[store]\ncache = \"1KiB\"\nblocks_kept = 0\n[log]\nfilter = \"a=b=c\"\n",
        &expect![[r#"
            `shutdown.grace` cannot be the text "1ms"
             --> node.toml:2:9
              |
            2 | grace = "1ms"
              |         ^^^^^ expected a time from `100ms` to `10m`, in ms, s, m or h

            error: `store.cache` cannot be the text "1KiB"
             --> node.toml:4:9
              |
            4 | cache = "1KiB"
              |         ^^^^^^ expected a size from `1MiB` to `1TiB`, in B, KiB, MiB, GiB or TiB

            error: `store.blocks_kept` cannot be the number 0
             --> node.toml:5:15
              |
            5 | blocks_kept = 0
              |               ^ expected `"all"` or a whole number from 1

            error: `log.filter` cannot be the text "a=b=c"
             --> node.toml:7:10
              |
            7 | filter = "a=b=c"
              |          ^^^^^^^ expected a level such as `info`, or levels by module such as `info,quorate_node::network=debug`"#]],
    );
}

#[test]
fn one_bad_item_of_a_list_is_underlined_alone() {
    refused(
        "[network]\npeers = [\n  \"0101010101010101010101010101010101010101010101010101010101010101@a:1\",\n  \"nobody@b\",\n]\n",
        &expect![[r#"
            `network.peers` cannot be the text "nobody@b"
             --> node.toml:4:3
              |
            4 |   "nobody@b",
              |   ^^^^^^^^^^ expected a peer: 64 hexadecimal digits, `@`, a host, `:` and a port"#]],
    );
}

#[test]
fn what_is_not_toml_says_where() {
    refused(
        "[network]\nlisten = \n",
        &expect![[r#"
            not TOML: string values must be quoted, expected literal string
             --> node.toml:2:10
              |
            2 | listen =
              |          ^"#]],
    );
}

#[test]
fn values_that_do_not_fit_each_other_are_shown() {
    refused(
        "[api]\nlisten = \"127.0.0.1:7400\"\n",
        &expect![[r#"
            `api.listen` and `network.listen` are one address
             --> node.toml:2:10
              |
            2 | listen = "127.0.0.1:7400"
              |          ^^^^^^^^^^^^^^^^ give each its own port"#]],
    );
}

/// Each layer wins over those before it, and says so.
#[test]
fn later_layers_win() {
    let text = "[api]\nlisten = \"127.0.0.1:1\"\n";
    let mut overrides = Overrides::default();
    let expect = |overrides: &Overrides, port: u16, origin: &str| {
        let loaded = layered(text, overrides).unwrap_or_else(|problems| panic!("{problems}"));
        assert_eq!(loaded.config.api.listen.port(), port);
        assert_eq!(loaded.origin("api", "listen").to_string(), origin);
        assert_eq!(loaded.origin("log", "format"), Origin::BuiltIn);
    };
    expect(&overrides, 1, "node.toml:2");
    overrides.environment.insert("QUORATE__API__LISTEN".to_owned(), "127.0.0.1:2".to_owned());
    expect(&overrides, 2, "environment QUORATE__API__LISTEN");
    overrides.set.push("api.listen=127.0.0.1:3".to_owned());
    expect(&overrides, 3, "--set");
    overrides.flags.push(("--api-listen", "api.listen", "127.0.0.1:4".to_owned()));
    expect(&overrides, 4, "--api-listen");
}

/// Nobody has to quote text on a command line, and lists are as in TOML.
#[test]
fn overrides_are_read_with_and_without_quotes() {
    let peer = format!("{}@h:1", "ab".repeat(32));
    let overrides = Overrides {
        set: vec![
            "shutdown.grace=1s".to_owned(),
            "log.format=\"json\"".to_owned(),
            "log.filter=true".to_owned(),
            format!("network.peers=[\"{peer}\"]"),
            "capture.enabled=false".to_owned(),
            "store.blocks_kept=all".to_owned(),
        ],
        ..Overrides::default()
    };
    let config = layered("", &overrides).unwrap_or_else(|problems| panic!("{problems}")).config;
    assert_eq!(config.shutdown.grace.get().as_secs(), 1);
    assert_eq!(config.network.peers[0].to_string(), peer);
    assert!(!config.capture.enabled);
}

#[test]
fn wrong_overrides_are_shown_like_files() {
    let overrides = Overrides {
        environment: [
            ("QUORATE__API".to_owned(), "1".to_owned()),
            ("QUORATE__API__LISTN".to_owned(), "127.0.0.1:1".to_owned()),
        ]
        .into(),
        set: vec!["api".to_owned(), "apy.listen=1".to_owned(), "api.listen=nowhere".to_owned()],
        flags: Vec::new(),
    };
    expect![[r#"
        QUORATE__API names no setting
         --> the environment:1:1
          |
        1 | QUORATE__API=1
          | ^^^^^^^^^^^^ QUORATE__SECTION__KEY, with two underscores between

        error: unknown key `listn` in [api]
         --> the environment:1:15
          |
        1 | QUORATE__API__LISTN=127.0.0.1:1
          |               ^^^^^ did you mean `listen`? known keys: `listen`, `connections`, `connections_per_address`, `requests_per_address`, `streams`, `streams_per_address`

        error: `api` sets nothing
         --> --set:1:1
          |
        1 | api
          | ^^^ expected section.key=value

        error: unknown section `apy`
         --> --set:1:1
          |
        1 | apy.listen=1
          | ^^^ did you mean `api`?

        error: `api.listen` cannot be the text "nowhere"
         --> --set:1:12
          |
        1 | api.listen=nowhere
          |            ^^^^^^^ expected an IP address and a port such as `127.0.0.1:7400`"#]]
    .assert_eq(&layered("", &overrides).expect_err("it is refused"));
}

/// The page in the repository is the one that this build writes.
#[test]
fn the_reference_page_is_up_to_date() {
    expect_file!["../../../docs/configuration.md"].assert_eq(&docs::reference());
}

/// Every bad file is refused with words and never with a panic, wherever it is cut.
#[test]
fn no_prefix_of_a_file_panics() {
    let whole = docs::file(&Config::default()).replace("# ", "") + "é\u{202e}[x]\n";
    for end in (0..whole.len()).filter(|end| whole.is_char_boundary(*end)) {
        if let Err(problems) = layered(&whole[..end], &Overrides::default()) {
            assert!(problems.contains("node.toml"), "no place in: {problems}");
        }
    }
}

#[test]
fn times_read_back() {
    for text in ["0s", "1ms", "1500ms", "2s", "90s", "2m", "1h", "25h"] {
        assert_eq!(duration_text(duration(text).expect(text)), text);
    }
    for text in ["", "s", "1", "-1s", "1.5s", "1 day", "99999999999999999999s"] {
        assert_eq!(duration(text), None, "{text}");
    }
}

#[test]
fn suggestions_are_near() {
    let known = ["listen", "peers", "full_slots"];
    for (word, wanted) in [
        ("listn", Some("listen")),
        ("epers", Some("peers")),
        ("full", Some("full_slots")),
        ("x", None),
    ] {
        assert_eq!(nearest(word, known), wanted, "{word}");
    }
}

#[test]
fn offsets_stay_in_the_text() {
    let text = "ab\nçd\n";
    assert_eq!(offset(text, 2, 1), 3);
    assert_eq!(offset(text, 2, 2), 3, "within a character is before it");
    assert_eq!(offset(text, 9, 9), text.len());
}
