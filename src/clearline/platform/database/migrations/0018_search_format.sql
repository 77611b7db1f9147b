-- Why:   the search index says in which format its entries are. When a release changes how text becomes words, the entries of the
--        release before no longer match, and have to be made again.
-- Order: before the first start of the code. Older processes go on with this schema.
-- Locks: none but on what is new.

-- format: that of the oldest entries. building, below: the format to which the workers rebuild the index, newest tickets first, and
-- the number below which the next ticket is.
create table search_index (
    only_row boolean primary key default true check (only_row),
    format   integer not null,
    building integer,
    below    bigint,
    check ((building is null) = (below is null))
);
-- Entries that are here already may be of any release, so they are older than the first format.
insert into search_index (format) select case when exists (select from ticket_search) then 0 else 1 end;
