//! A database as text: every object's SQL and every row, in an order that does not change.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, types::Value};

/// The file as any program sees it.
pub(crate) fn raw(path: &Path) -> Connection {
    Connection::open_with_flags(path, OpenFlags::default()).unwrap()
}

/// Name and SQL of every table.
pub(crate) fn tables(conn: &Connection) -> Vec<(String, String)> {
    let mut select = conn
        .prepare(
            "SELECT name, sql FROM sqlite_schema WHERE type = 'table' \
             AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY rowid",
        )
        .unwrap();
    let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.map(Result::unwrap).collect()
}

/// Every object's SQL, and every row, as text.
pub(crate) fn dump(conn: &Connection) -> String {
    let mut text = String::new();
    let mut select =
        conn.prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid").unwrap();
    let statements = select.query_map([], |row| row.get::<_, String>(0)).unwrap();
    for sql in statements.map(Result::unwrap).filter(|sql| !sql.contains("TABLE sqlite_")) {
        text.push_str(&sql);
        text.push_str(";\n\n");
    }
    for (name, _) in tables(conn) {
        text.push_str(&rows(conn, &name));
    }
    text + "\n"
}

fn rows(conn: &Connection, table: &str) -> String {
    let mut select = conn.prepare(&format!("SELECT * FROM {table} ORDER BY 1, 2")).unwrap();
    let columns: Vec<String> = select.column_names().map(str::to_owned).collect();
    let line = |row: &rusqlite::Row<'_>| -> rusqlite::Result<String> {
        let values: rusqlite::Result<Vec<String>> =
            (0..columns.len()).map(|column| row.get(column).map(literal)).collect();
        Ok(format!("INSERT INTO {table} VALUES ({});\n", values?.join(", ")))
    };
    select.query_map([], line).unwrap().map(Result::unwrap).collect()
}

fn literal(value: Value) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::Integer(number) => number.to_string(),
        Value::Real(number) => format!("{number:?}"),
        Value::Text(text) => format!("'{}'", text.replace('\'', "''")),
        Value::Blob(bytes) => {
            format!("x'{}'", bytes.iter().map(|b| format!("{b:02x}")).collect::<String>())
        }
    }
}
