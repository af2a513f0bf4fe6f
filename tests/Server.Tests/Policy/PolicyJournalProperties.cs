using CsCheck;
using Relay.Policy;
using static Server.Tests.Policy.JournalFolder;

namespace Server.Tests.Policy;

/// <summary>Changes, reverts, confirmations, rollbacks, resets, restarts, torn tails and compaction in any order, against the slow model.</summary>
public sealed class PolicyJournalProperties
{
    private static readonly Gen<(string Path, string? Text)> Edits = Gen.OneOf(
        Gen.Int[1, 4].Select(number => ("per-ip", (string?)$"{number}")),
        Gen.Int[50, 53].Select(number => ("total", (string?)$"{number}")),
        Gen.OneOf("1", "deny", null).Select(text => ("override/203.0.113.0/24", text)),
        Gen.OneOf("2", "unlimited", null).Select(text => ("override/198.51.100.0/24", text)),
        Gen.OneOf("3", null).Select(text => ("shadow/per-ip", text)),
        Gen.OneOf("forever", "forever again", null).Select(text => ("ban/192.0.2.1", text)));

    private static readonly Gen<Op> Ops = Gen.Select(Gen.Int[0, 12], Edits.Array[1, 3], Gen.Int[0, 40], Gen.OneOf(0, 0, 10, 30), Gen.OneOf(0, 0, 0, 5, 20))
        .Select((kind, edits, number, ttl, confirm) => new Op(kind, edits, number, ttl, confirm));

    [Fact]
    public void Journal_AnyHistory_IsTheModels() => Ops.Array[1, 60].Sample(Run, iter: 300);

    private static void Run(Op[] ops)
    {
        using var journal = new JournalFolder { CompactBytes = 3000, Options = new AdmissionOptions { Total = 50, PerIp = 1, Overrides = ["203.0.113.0/24=1"] } };
        var store = journal.Start();
        var model = new PolicyModel(store.Current.Items.All.ToDictionary(item => item.Key, item => (string?)item.Value));
        model.Remember();
        foreach (var op in ops)
        {
            var now = journal.Time.GetUtcNow();
            switch (op.Kind)
            {
                case < 5:
                    var edits = op.Edits.GroupBy(edit => edit.Path).ToDictionary(group => group.Key, group => group.Last().Text);
                    TimeSpan? ttl = op.Ttl == 0 ? null : TimeSpan.FromSeconds(op.Ttl);
                    TimeSpan? confirm = op.Confirm == 0 ? null : TimeSpan.FromSeconds(op.Confirm);
                    Assert.Empty(store.Change(Of() with { Edits = edits, Ttl = ttl, ConfirmWithin = confirm }).Errors);
                    model.Set([.. edits.Select(edit => (edit.Key, edit.Value, now + ttl, now + confirm))]);
                    break;
                case 5:
                    store.Change(Of() with { Reset = [op.Edits[0].Path] });
                    model.Reset(op.Edits[0].Path);
                    break;
                case 6:
                    Assert.Equal(model.Confirm(), store.Confirm(null));
                    break;
                case 7:
                    var known = model.Known.ToList();
                    var target = known[op.Number % known.Count];
                    Assert.False(store.Change(Of() with { RollbackTo = target }).IsUnknown);
                    model.Rollback(target, now);
                    break;
                case 8 or 9:
                    journal.Time.Advance(TimeSpan.FromSeconds(op.Number));
                    model.Expire(journal.Time.GetUtcNow());
                    break;
                case 10:
                    // Time passes while it does not run; a crash has left half of a line.
                    store.Dispose();
                    File.AppendAllText(journal.File, "{\"revision\":99,\"time\":\"20"[..(op.Number % 20)]);
                    journal.Time.Step += TimeSpan.FromSeconds(op.Number);
                    store = journal.Start();
                    model.Expire(journal.Time.GetUtcNow());
                    break;
                case 11:
                    journal.Options = new AdmissionOptions { Total = 50, PerIp = 1 + (op.Number % 3), Overrides = ["203.0.113.0/24=1"] };
                    store = journal.Start();
                    model.Configure("per-ip", $"{1 + (op.Number % 3)}");
                    break;
                default:
                    store = journal.Start();
                    break;
            }

            model.Remember();
            Check(model, store);
        }

        store = journal.Start();
        Check(model, store);
        Assert.InRange(new FileInfo(journal.File).Length, 1, 100_000);
    }

    private static void Check(PolicyModel model, LimitPolicyStore store)
    {
        Assert.Equal(model.Items().OrderBy(item => item.Key, StringComparer.Ordinal), store.Current.Items.All);
        Assert.Equal(model.Revision, store.Current.Revision);
        var revisions = store.Overview().History.Select(revision => revision.Revision).ToList();
        Assert.Equal(Enumerable.Range(0, revisions.Count).Select(i => revisions[0] + i), revisions);
        Assert.Equal(model.Revision, revisions[^1]);
    }

    private sealed record Op(int Kind, (string Path, string? Text)[] Edits, int Number, int Ttl, int Confirm)
    {
        // What a failure prints.
        public override string ToString() => $"{Kind} {string.Join(' ', Edits.Select(edit => $"{edit.Path}={edit.Text ?? "-"}"))} number={Number} ttl={Ttl} confirm={Confirm}";
    }
}
