using System.Data.Common;
using CsCheck;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Npgsql;
using Relay.Addresses;
using Relay.Rendezvous;
using Relay.Storage;
using Relay.TestKit;
using Server.Tests.Storage;

namespace Server.Tests.Rendezvous;

/// <summary>Any sequence of registrations, departures and sweeps does to the table what it does to an obvious list.</summary>
public sealed class RendezvousStoreProperties
{
    private const int Peers = 5;

    private enum What
    {
        Register,
        RegisterMany,
        Leave,
        LeaveUnnoticed,
        Restart,
        RollBack,
        Wait,
        Sweep,
    }

    [Fact]
    public void AnyOperations_Store_DoesAsTheModel() => Check(() =>
    {
        var connection = new SqliteConnection("Data Source=:memory:");
        connection.Open();
        Migrations.Apply(connection, Migrations.Embedded, TimeProvider.System);
        return connection;
    });

    [Fact]
    public async Task AnyOperations_StoreInPostgres_DoesAsTheModel()
    {
        var database = await (await SharedPostgres.GetAsync()).CreateDatabaseAsync();
        await using (var connection = await PostgresServer.OpenAsync(database))
        {
            Migrations.Apply(connection, Migrations.Embedded, TimeProvider.System);
        }

        Check(() =>
        {
            var connection = new NpgsqlConnection($"{database};Pooling=false");
            connection.Open();
            TestDatabase.Do(connection, "DELETE FROM meeting_points; UPDATE meeting_counts SET total = 0, weight = 0");
            return connection;
        }, iterations: 40, threads: 1);
    }

    private static void Check(Func<DbConnection> open, int iterations = 200, int threads = -1) =>
        Gen.Select(
            Gen.Frequency((8, Gen.Const(What.Register)), (1, Gen.Const(What.RegisterMany)), (2, Gen.Const(What.Leave)),
                (1, Gen.Const(What.LeaveUnnoticed)),
                (1, Gen.Const(What.Restart)), (1, Gen.Const(What.RollBack)), (2, Gen.Const(What.Wait)), (1, Gen.Const(What.Sweep))),
            Gen.Int[0, Peers - 1],
            Gen.Int[0, int.MaxValue])
            .Array[1, 60].Sample(
                operations =>
                {
                    using var books = new Books(open());
                    foreach (var (what, peer, seed) in operations)
                    {
                        books.Do(what, peer, new Random(seed));
                    }
                },
                iter: iterations,
                threads: threads);

    // Table, model, and the clock of both.
    private sealed class Books : IDisposable
    {
        private readonly RendezvousOptions _options = new()
        {
            DailyPointLifetime = TimeSpan.FromMinutes(5),
            HourlyTokenLifetime = TimeSpan.FromMinutes(2),
            RowsPerIdentity = 12,
            MaxRows = 25,
            ResultsPerPoint = 2,
            RecountInterval = TimeSpan.Zero,
        };

        private readonly DbConnection _connection;
        private readonly FakeTimeProvider _time = new();
        private readonly Database _database;
        private RendezvousStore _store;
        private readonly MeetingModel _model;
        private readonly long[] _owners = [.. Enumerable.Range(1, Peers)];
        private long _lastOwner = Peers;

        public Books(DbConnection connection)
        {
            _connection = connection;
            _database = new Database(new StorageOptions(), _time, NullLogger<Database>.Instance);
            _store = new RendezvousStore(_database, _options, _time);
            _model = new MeetingModel(_options);
        }

        private long Now => _time.GetUtcNow().ToUnixTimeMilliseconds();

        public void Do(What what, int peer, Random random)
        {
            switch (what)
            {
                case What.Register or What.RegisterMany:
                    Register(peer, random, what == What.Register ? 3 : 12);
                    break;
                case What.Leave:
                    _store.RemoveTokens(_connection, _owners[peer], Names(peer));
                    _model.RemoveTokens(_owners[peer]);
                    _owners[peer] = ++_lastOwner;
                    break;
                case What.LeaveUnnoticed:
                    // Its rows stay, and the next socket has its names.
                    _owners[peer] = ++_lastOwner;
                    break;
                case What.Restart:
                    // With nothing but the rows; the relay counts before the first socket comes.
                    _store = new RendezvousStore(_database, _options, _time);
                    _store.RemoveExpired(_connection, most: 0);
                    break;
                case What.RollBack:
                    // A batch that fails as a whole, or one piece of work in it.
                    Execute("BEGIN");
                    var rows = _model.Rows.ToList();
                    Register(peer, random, 8);
                    _model.Restore(rows);
                    Execute("ROLLBACK");
                    _store.RemoveExpired(_connection, most: 0);
                    break;
                case What.Wait:
                    _time.Advance(TimeSpan.FromSeconds(random.Next(0, 90)));
                    break;
                default:
                    var most = random.Next(1, 10);
                    Assert.Equal(_model.RemoveExpired(Now, most), _store.RemoveExpired(_connection, most));
                    break;
            }

            Compare();
        }

        public void Dispose()
        {
            _connection.Dispose();
            _database.Dispose();
        }

        private void Register(int peer, Random random, int most)
        {
            // The last peer goes by two names.
            var names = Names(peer);
            var name = names[random.Next(names.Length)];
            var points = Some("p", random, most).Select(hash => (hash, random.Next(3) == 0 ? "" : $"{hash} of {name}{new string('€', random.Next(8) == 0 ? 4096 : 0)}")).ToList();
            var key = $"code:{random.Next(4) / 3}";
            var address = IpKey.FromIpv4((uint)((random.Next(3) << 8) + random.Next(2)));
            var by = new Registration(
                new RowOwner(name, key), new RowOwner(names.FirstOrDefault(other => other != name) ?? name, key), _owners[peer], address, new RendezvousRequest($"r{random.Next(2)}", points, Some("t", random, most)));
            var found = _store.Register(_connection, by);
            var expected = _model.Register(by, Now);

            Assert.Equal(expected.Drops, found.Drops);
            Assert.Equal(expected.Tokens, found.Tokens);
            Assert.DoesNotContain(found.Tokens, token => token.Owner == _owners[peer]);
        }

        private void Execute(string sql)
        {
            using var command = _connection.CreateCommand();
            command.CommandText = sql;
            command.ExecuteNonQuery();
        }

        private void Compare()
        {
            var rows = new List<Row>();
            using (var weight = _connection.CreateCommand())
            {
                weight.CommandText = "SELECT CAST(sum(weight) AS BIGINT) FROM meeting_counts";
                Assert.Equal(_model.Weight, weight.ExecuteScalar());
            }

            using var command = _connection.CreateCommand();
            command.CommandText = "SELECT kind, hash, peer_id, name_key, address, relay_id, dead_drop, owner, expires_at FROM meeting_points ORDER BY written";
            using var reader = command.ExecuteReader();
            while (reader.Read())
            {
                rows.Add(new Row(
                    reader.GetInt32(0) == 1, reader.Text(1), reader.Text(2), reader.Text(3), IpPrefix.KeyOf(reader.Text(4)),
                    reader.Text(5), reader.Text(6), reader.GetInt64(7), reader.GetInt64(8)));
            }

            Assert.Equal(_model.Rows, rows);
            Assert.Equal(
                (rows.Count(row => !row.IsToken), rows.Count(row => row.IsToken)),
                ((int)_store.Counts().DailyPoints, (int)_store.Counts().HourlyTokens));
            Assert.All(rows.GroupBy(row => (row.Name, row.Key)), own => Assert.InRange(own.Count(), 1, _options.RowsPerIdentity));
            Assert.InRange(_model.Weight, 0, _options.MaxRows);
        }

        private static string[] Names(int peer) => peer == Peers - 1 ? ["peer-z", "ZZZZZZ"] : [$"AAAAA{(char)('A' + peer)}"];

        private static List<string> Some(string kind, Random random, int most) =>
            [.. Enumerable.Range(0, random.Next(most + 1)).Select(_ => $"{kind}{random.Next(12)}").Distinct()];
    }
}
