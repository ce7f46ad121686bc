/// The tables of the state.
///
/// Bytes written per operation decide the layout. `changes` only grows at its end, so operations that are committed
/// together share pages whatever their addresses are; the newest row of an address is the resource, and a row is at the
/// same time the event of the history. Small pages, because a commit writes the last page of a table again. Nothing but
/// the primary key is indexed, because an index on addresses would touch a random page for each operation.
enum Schema {
    /// Grows with every change that an older osiris could not read; `Migration` leads there from the one before.
    static let formatVersion = 2
    /// "OSRS": tells a state from any other SQLite database (https://www.sqlite.org/pragma.html#pragma_application_id).
    static let applicationID = 0x4F53_5253
    /// In bytes. Measured with 32 operations at a time: 1.8 KB for each operation with 512, 2.0 with 1024, 2.9 with 4096.
    static let pageSize = 512
    /// Pages in the write-ahead log before SQLite copies them into the database: 4 MiB.
    static let checkpointPages = 8192

    static let tables = """
        CREATE TABLE meta (
            formatVersion INTEGER NOT NULL, lineage TEXT NOT NULL, cluster TEXT NOT NULL, serial INTEGER NOT NULL,
            movedTo TEXT, movedAt INTEGER
        );
        CREATE TABLE changes (
            seq INTEGER PRIMARY KEY, serial INTEGER NOT NULL, apply INTEGER NOT NULL, time INTEGER NOT NULL,
            event TEXT NOT NULL, address TEXT, parent TEXT, token TEXT, provider TEXT, type TEXT,
            schemaVersion INTEGER, spanFile TEXT, spanLine INTEGER, spanColumn INTEGER, spanEndLine INTEGER,
            spanEndColumn INTEGER, dependsOn TEXT, text TEXT, incomplete TEXT,
            attributes TEXT, sealed BLOB
        );
        CREATE TABLE intents (
            id INTEGER PRIMARY KEY, apply INTEGER NOT NULL, startedAt INTEGER NOT NULL, token TEXT NOT NULL,
            action TEXT NOT NULL, address TEXT NOT NULL, parent TEXT, dependsOn TEXT, provider TEXT NOT NULL, type TEXT NOT NULL,
            failure TEXT, planned TEXT NOT NULL
        );
        CREATE TABLE applies (
            id INTEGER PRIMARY KEY, firstSeq INTEGER NOT NULL, operation TEXT NOT NULL, startedAt INTEGER NOT NULL,
            endedAt INTEGER, user TEXT NOT NULL, host TEXT NOT NULL, pid INTEGER NOT NULL, manifestCommit TEXT,
            arguments TEXT NOT NULL, outcome TEXT
        );
        CREATE TABLE lock (
            id INTEGER PRIMARY KEY CHECK (id = 1), fencing INTEGER NOT NULL, user TEXT, host TEXT, pid INTEGER,
            process TEXT, operation TEXT, since INTEGER, renewedAt INTEGER
        );
        INSERT INTO lock (id, fencing) VALUES (1, 0);
        CREATE VIEW resources AS
            SELECT address, provider, type, attributes, parent, dependsOn, spanFile, spanLine, token
            FROM changes
            WHERE event NOT IN ('deleted', 'forgotten') AND seq IN (
                SELECT max(seq) FROM changes WHERE event NOT IN ('failed', 'note') GROUP BY address);
        """
}
