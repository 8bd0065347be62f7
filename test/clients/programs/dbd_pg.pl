# DBD::Pg: statements prepared on the server or with literals, COPY, asynchronous queries, cancel.
use strict;
use warnings;
use DBI;
use DBD::Pg qw(:async);
use JSON::PP;

my ($user, $host, $port, $database) = $ARGV[0] =~ m{^postgres://(\w+)@([^:/]+):(\d+)/(\w+)$} or die 'URL';
my $dsn = "dbi:Pg:host=$host;port=$port;dbname=$database;sslmode=disable";
my $open = sub { DBI->connect($dsn, $user, '', { RaiseError => 1, PrintError => 0, AutoCommit => 1, @_ }) };
my %result;
my $find = 'SELECT b.id FROM book b JOIN author a ON a.id = b.author_id WHERE a.name = ?';
my $author = 2;
for my $prepare (0, 1) {
    my $dbh = $open->(pg_server_prepare => $prepare);
    my $way = $prepare ? 'prepared' : 'literals';
    $result{"$way types"} = $dbh->selectall_arrayref('SELECT * FROM every_type');
    for (1 .. 3) {
        $dbh->begin_work;
        my $ids = $dbh->selectcol_arrayref($find, undef, 'author ' . $author++);
        my $marks = join ', ', ('?') x @$ids;
        push @{ $result{"$way deleted"} }, $dbh->do("DELETE FROM book WHERE id IN ($marks)", undef, @$ids);
        $dbh->commit;
    }
    $dbh->begin_work;
    $dbh->pg_savepoint('s');
    eval { $dbh->do('INSERT INTO setting (name, value) VALUES (?, ?)', undef, 'setting 1', 7) };
    $result{"$way violated"} = [ $dbh->state, $dbh->errstr ];
    $dbh->pg_rollback_to('s');
    $result{"$way existing"} = $dbh->selectall_arrayref('SELECT id, value FROM setting WHERE name = ?', undef, 'setting 1');
    $dbh->rollback;
    my $again = $dbh->prepare('SELECT title FROM book WHERE id = ?');
    $result{"$way again"} = [ map { my ($title) = $dbh->selectrow_array($again, undef, $_); $title } 1 .. 12 ];
    $dbh->disconnect;
}

my $dbh = $open->();
$dbh->do('CREATE TEMP TABLE copied (n int, t text)');
$dbh->do('COPY copied FROM STDIN');
$dbh->pg_putcopydata("$_\tline $_\n") for 1 .. 3000;
$dbh->pg_putcopyend;
$dbh->do('COPY copied TO STDOUT');
my ($line, $bytes) = ('', 0);
$bytes += length $line while $dbh->pg_getcopydata(\$line) >= 0;
$result{copied} = $bytes;
my $watcher = $open->();
$dbh->do('SELECT pg_sleep(60)', { pg_async => PG_ASYNC });
my $state = '';
($state) = $watcher->selectrow_array('SELECT wait_event FROM pg_stat_activity WHERE pid = ?', undef, $dbh->{pg_pid})
  until ($state // '') eq 'PgSleep';
$result{cancelled} = $dbh->pg_cancel;
$result{ping} = $dbh->ping;
$watcher->do('LISTEN news');
$dbh->do(q{NOTIFY news, 'heard'});
my $notice;
$notice = $watcher->pg_notifies until $notice;
$result{notified} = $notice->[2];
$result{left} = $dbh->selectall_arrayref('SELECT count(*) FROM book');
print JSON::PP->new->canonical->encode(\%result);
