-- What else is known of the bytes that were read: a file that was replaced without a new size or time has another inode
-- or change time, and one whose bytes changed without any of them has rotted.
alter table fingerprint add column inode ubigint;
alter table fingerprint add column ctime_ns bigint;       -- of the inode; some file systems give others after a mount
alter table fingerprint add column verified_at timestamp; -- UTC; null: not since it was first read
