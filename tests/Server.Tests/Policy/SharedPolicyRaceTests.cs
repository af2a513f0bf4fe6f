using CsCheck;
using Relay.Policy;
using Relay.TestKit;
using Server.Tests.Storage;
using static Server.Tests.Policy.JournalFolder;

namespace Server.Tests.Policy;

/// <summary>Many writers at many relays at once: each confirmed change is in the journal once, without gaps, and all end with the same policy.</summary>
public sealed class SharedPolicyRaceTests
{
    private const int Relays = 3;

    // Item, time to live in seconds (0: for good), and whether it names the revision it was decided from.
    private static readonly Gen<Op[]> Ops = Gen.Select(Gen.Int[0, Relays - 1], Gen.Int[0, 5], Gen.OneOf(0, 0, 30), Gen.Bool)
        .Select((relay, item, ttl, isExpecting) => new Op(relay, item, ttl, isExpecting)).Array[1, 40];

    [Fact]
    public async Task Change_ManyWritersAtOnce_EachConfirmedOnceAndAllConverge() =>
        await Ops.SampleAsync(ops => RunAsync(ops, cut: false), iter: 8, threads: 1);

    /// <summary>Whether a commit was made that was not answered, the writer finds out.</summary>
    [Fact]
    public async Task Change_WhileConnectionsAreCut_IsStoredOnceWhereConfirmed() =>
        await Ops.SampleAsync(ops => RunAsync(ops, cut: true), iter: 8, threads: 1);

    private static async Task RunAsync(Op[] ops, bool cut)
    {
        var (connection, time) = (await PolicyRelay.CreateDatabaseAsync(), new SteppingTime());
        var relays = await Task.WhenAll(Enumerable.Range(0, Relays).Select(i => PolicyRelay.StartAsync(connection, $"node{i}", time)));
        try
        {
            using var end = new CancellationTokenSource();
            var cutting = cut ? CutAsync(connection, end.Token) : Task.CompletedTask;
            var results = await Task.WhenAll(ops.Select((op, i) => Task.Run(() => relays[op.Relay].ChangeAsync(op.Change(i, relays[op.Relay].Store.Current.Revision)))));
            time.Advance(TimeSpan.FromSeconds(30));
            await end.CancelAsync();
            await cutting;
            foreach (var relay in relays.Concat(relays))
            {
                await relay.UntilAsync(() => !relay.IsAway);
                Assert.Null((await relay.CatchUpAsync()).Problem);
            }

            var rows = await PolicyRelay.RowsAsync(connection);
            Assert.Equal(Enumerable.Range(1, rows.Count).Select(i => (long)i), rows.Select(row => row.Position));

            // Without gaps; what only drops something beneath a later change makes no revision.
            var revisions = rows.Select(row => row.Revision).Distinct().ToList();
            Assert.Equal(Enumerable.Range(1, revisions.Count).Select(i => (long)i), revisions);
            Assert.All(rows.Zip(rows.Skip(1)).Where(pair => pair.First.Revision == pair.Second.Revision), pair => Assert.Contains("\"reverts\":", pair.Second.Line, StringComparison.Ordinal));
            for (var i = 0; i < ops.Length; i++)
            {
                // One that changed nothing has no row; where a connection was cut one that failed may have one.
                var found = rows.Count(row => row.Line.Contains($"\"reason\":\"op {i}\"", StringComparison.Ordinal));
                Assert.Equal(results[i].NotWritten is null ? Math.Min(1, results[i].Differences.Count) : Math.Min(found, 1), found);
                Assert.True(cut || results[i].NotWritten is null, results[i].NotWritten);
                Assert.True(!results[i].IsStale || (ops[i].IsExpecting && found == 0));
            }

            foreach (var relay in relays)
            {
                Assert.Equal(rows[^1].Revision, relay.Store.Current.Revision);
                Assert.Equal(relays[0].Store.Current.Items.All, relay.Store.Current.Items.All);
                Assert.Equal(relays[0].Store.Overview().History.Select(Row), relay.Store.Overview().History.Select(Row));
                Assert.Equal(revisions.Skip(1), relay.Events.Last(1000).Select(published => ((PolicyChanged)published.Event).Revision));

                // The copy brings back the same.
                using var copy = new LimitPolicyStore(relay.Options, time, new PolicyJournal(relay.File));
                Assert.Equal((relay.Store.Current.Revision, true), (copy.Current.Revision, copy.Current.Items.All.SequenceEqual(relay.Store.Current.Items.All)));
            }
        }
        finally
        {
            foreach (var relay in relays)
            {
                await relay.DisposeAsync();
            }
        }

        static string Row(PolicyRevision revision) => $"{revision.Revision} {revision.Time:O} {revision.Who} {revision.Reason} {string.Join(',', revision.Items.All)}";
    }

    private static async Task CutAsync(string connection, CancellationToken end)
    {
        await using var beside = await PostgresServer.OpenAsync(connection);
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(15));
        while (!end.IsCancellationRequested)
        {
            TestDatabase.Do(beside, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()");
            await timer.WaitForNextTickAsync(CancellationToken.None);
        }
    }

    private sealed record Op(int Relay, int Item, int Ttl, bool IsExpecting)
    {
        public PolicyChange Change(int number, long revision) => Of((Path(Item), $"{100 + number}")) with
        {
            Reason = $"op {number}",
            Ttl = Ttl == 0 ? null : TimeSpan.FromSeconds(Ttl),
            ExpectedRevision = IsExpecting ? revision : null,
        };

        private static string Path(int item) => item switch
        {
            0 => "per-ip",
            1 => "total",
            _ => $"override/203.0.{item}.0/24",
        };
    }
}
