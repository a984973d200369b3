-- A file of version 1 with a row in each table, as the first version of the store wrote it.
PRAGMA application_id = 1131636089;
CREATE TABLE incidents (
	id TEXT PRIMARY KEY, state TEXT NOT NULL, severity TEXT NOT NULL, cause TEXT NOT NULL,
	site TEXT NOT NULL, upstream TEXT NOT NULL, scope TEXT NOT NULL,
	opened_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, closed_at INTEGER, body TEXT NOT NULL) STRICT;
CREATE INDEX incidents_opened ON incidents (opened_at);
CREATE INDEX incidents_updated ON incidents (updated_at);
CREATE TABLE evidence (
	incident_id TEXT NOT NULL, at INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (incident_id, at)) STRICT;
CREATE INDEX evidence_at ON evidence (at);
CREATE TABLE exemplars (
	exchange_id TEXT PRIMARY KEY, incident_id TEXT NOT NULL, at INTEGER NOT NULL,
	failure TEXT NOT NULL, body TEXT NOT NULL) STRICT;
CREATE INDEX exemplars_incident ON exemplars (incident_id, at);
CREATE INDEX exemplars_at ON exemplars (at);
CREATE TABLE rules (
	id TEXT PRIMARY KEY, kind TEXT NOT NULL, subject TEXT NOT NULL, reason TEXT NOT NULL,
	created_at INTEGER NOT NULL, expires_at INTEGER, body TEXT NOT NULL) STRICT;
CREATE TABLE server_overrides (
	upstream TEXT NOT NULL, server TEXT NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL,
	set_at INTEGER NOT NULL, expires_at INTEGER, PRIMARY KEY (upstream, server)) STRICT;
PRAGMA user_version = 1;

INSERT INTO incidents VALUES ('i1', 'open', 'major', 'tcp.refused.down', 'shop.example', 'shop', 'server', 1773057600000, 1773057600000, NULL, '{"n":1}');
INSERT INTO evidence VALUES ('i1', 1773057600000, '{"hosts":[]}');
INSERT INTO exemplars VALUES ('x1', 'i1', 1773057600000, 'upstream.connect.refused', '{}');
INSERT INTO rules VALUES ('r1', 'block', '192.0.2.0/24', 'flood', 1773057600000, NULL, '{}');
INSERT INTO server_overrides VALUES ('shop', '10.0.0.4:9000', 'maintenance', 'new disk', 1773057600000, NULL);
