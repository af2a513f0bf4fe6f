using Relay.Policy;
using static Server.Tests.Policy.JournalFolder;

namespace Server.Tests.Policy;

/// <summary>What a restart keeps, what a crash leaves, and what a file that people may have edited can do.</summary>
public sealed class PolicyJournalTests : IDisposable
{
    private readonly JournalFolder _journal = new();

    public void Dispose() => _journal.Dispose();

    [Fact]
    public void Start_AfterChanges_HasItemsRevisionAndHistory()
    {
        var store = _journal.Start();
        store.Change(Of(("per-ip", "7"), ("ban/192.0.2.1", "forever <b>über</b> \"x\""), ("shadow/total", "9")));
        store.Change(Of(("override/2001:db8::/32", "deny")));
        var before = store.Overview();

        var after = _journal.Start().Overview();

        Assert.Equal(before.Current.Items.All, after.Current.Items.All);
        Assert.Equal((3L, 2L), (after.Current.Revision, after.Current.ShadowSince));
        Assert.Equal(before.History.Select(Row), after.History.Select(Row));
        Assert.Equal(["override/2001:db8::/32", "per-ip", "shadow/total"], after.Changed.Select(item => item.Path).Where(path => !path.StartsWith("ban/", StringComparison.Ordinal)));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_journal.File));

        static string Row(PolicyRevision revision) =>
            $"{revision.Revision} {revision.Time:O} {revision.Who} {revision.Reason} {string.Join(',', revision.Differences)} {string.Join(',', revision.Items.All)}";
    }

    [Fact]
    public void Start_OtherConfiguration_HoldsWhereNobodyChangedAnything()
    {
        _journal.Start().Change(Of(("per-ip", "7")));
        _journal.Options = new AdmissionOptions { Total = 200, PerIp = 60, Overrides = ["203.0.113.0/24=5"] };

        var store = _journal.Start();

        Assert.Equal((200, 7, 3L, "5"), (store.Current.Total, store.Current.PerIp, store.Current.Revision, store.Current.Items["override/203.0.113.0/24"]));
        var made = store.Overview().History[^1];
        Assert.Equal(("relayd", "the configuration was changed"), (made.Who, made.Reason));
        Assert.Equal(("relayd", "the configuration was changed"), Assert.Single(_journal.Events.Last(10)).Event is var told ? (told.Who, told.Reason) : default);
        Assert.Equal(["override/203.0.113.0/24", "total"], made.Differences.Select(difference => difference.Path));
        var changed = Assert.Single(store.Overview().Changed);
        Assert.Equal(("per-ip", "60", "7", 2L, "test"), (changed.Path, changed.Configured, changed.Text, changed.Revision, changed.Who));

        Assert.Equal(3, _journal.Start().Current.Revision);
    }

    [Fact]
    public void Reset_OfItems_FollowsTheConfigurationAgain()
    {
        var store = _journal.Start();
        store.Change(Of(("per-ip", "7"), ("override/203.0.113.0/24", "9")));
        var result = store.Change(Of() with { Reset = ["per-ip", "override/203.0.113.0/24", "total"] });
        Assert.Equal(["override/203.0.113.0/24", "per-ip"], result.Differences.Select(difference => difference.Path));
        Assert.Empty(store.Overview().Changed);
        Assert.Empty(store.Change(Of() with { Reset = ["per-ip"] }).Differences);
        Assert.Equal("no-such", Assert.Single(store.Change(Of() with { Reset = ["no-such"] }).Errors).Path);

        _journal.Options = new AdmissionOptions { Total = 100, PerIp = 60 };
        Assert.Equal(60, _journal.Start().Current.PerIp);
    }

    [Fact]
    public void Change_ThatChangesNothing_WritesNothing()
    {
        var store = _journal.Start();
        Assert.Empty(store.Change(Of(("per-ip", "50"), ("override/9.9.9.9", null))).Differences);

        Assert.Equal(1, store.Current.Revision);
        Assert.Single(_journal.Lines);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(20)]
    [InlineData(200)]
    public void Start_LastLineTorn_IsCutOff(int bytes)
    {
        var store = _journal.Start();
        store.Change(Of(("per-ip", "7")));
        var whole = new FileInfo(_journal.File).Length;
        store.Change(Of(("per-ip", "8"), ("override/203.0.113.0/24", "deny"), ("override/203.0.112.0/24", "deny")));
        using (var file = File.OpenWrite(_journal.File))
        {
            file.SetLength(Math.Min(file.Length - 1, whole + bytes));
        }

        store = _journal.Start();
        Assert.Equal((7, 2L, whole), (store.Current.PerIp, store.Current.Revision, new FileInfo(_journal.File).Length));
        store.Change(Of(("per-ip", "9")));
        Assert.Equal((9, 3L), (_journal.Start().Current.PerIp, _journal.Start().Current.Revision));
    }

    [Theory]
    [InlineData("\"revision\":2,", "", 2, "missing field revision")]
    [InlineData("\"revision\":2,", "\"revision\":7,", 2, "revision 7 stands where revision 2 should follow")]
    [InlineData("\"who\":\"test\",\"reason\":\"why\",\"changes\"", "\"reason\":\"why\",\"changes\"", 2, "missing field who")]
    [InlineData("\"after\":\"7\"", "\"after\":\"none\"", 2, "per-ip: 'none' is not valid; allowed: 1 to 1,000,000")]
    [InlineData("\"after\":\"7\"", "\"after\":7", 2, "field changes[0].after is not what it should be")]
    [InlineData("\"after\":\"7\"", "\"afterwards\":\"7\"", 2, "unknown field afterwards")]
    [InlineData("{\"revision\":2", "\"revision\":2", 2, "it is not valid JSON")]
    [InlineData("\"state\":", "\"stat\":", 1, "unknown field stat")]
    [InlineData("\"revision\":3,", "null,", 3, "it is not valid JSON")]
    public void Start_LineDamaged_StopsAndNamesItAndLeavesTheFile(string text, string with, int line, string what)
    {
        var store = _journal.Start();
        store.Change(Of(("per-ip", "7")));
        store.Change(Of(("total", "70")));
        var damaged = File.ReadAllText(_journal.File).Replace(text, with, StringComparison.Ordinal);
        File.WriteAllText(_journal.File, damaged);

        var error = Assert.Throws<InvalidDataException>(_journal.Start);

        Assert.Equal($"{_journal.File} line {line}: {what}; fix that line or move the file away", error.Message);
        Assert.Equal(damaged, File.ReadAllText(_journal.File));
    }

    [Fact]
    public async Task Change_JournalCannotBeWritten_ChangesNothingAndSaysWhy()
    {
        var store = _journal.Start();
        store.Change(Of(("per-ip", "7")) with { ConfirmWithin = TimeSpan.FromMinutes(1) });
        using (new Unwritable(_journal.File))
        {
            var result = store.Change(Of(("per-ip", "8")));
            Assert.Contains($"{_journal.File} cannot be written, nothing was changed", result.NotWritten, StringComparison.Ordinal);
            Assert.Equal((7, 2L), (store.Current.PerIp, store.Current.Revision));
            await Assert.ThrowsAsync<IOException>(() => store.ConfirmAsync(null, "test"));

            // What was promised takes place all the same, and is written when it can be.
            _journal.Time.Advance(TimeSpan.FromMinutes(1));
            Assert.Equal((50, 3L), (store.Current.PerIp, store.Current.Revision));
        }

        _journal.Time.Advance(TimeSpan.FromSeconds(10));
        store.Change(Of(("per-ip", "9")));
        Assert.Equal((9, 4L), (_journal.Start().Current.PerIp, _journal.Start().Current.Revision));
        Assert.Equal(["relayd", "test", "relayd", "test"], _journal.Start().Overview().History.Select(revision => revision.Who));
    }

    [Fact]
    public void Journal_MovedAwayWhileItRuns_IsWrittenWholeWithTheNextChange()
    {
        var store = _journal.Start();
        store.Change(Of(("per-ip", "7")));
        File.Delete(_journal.File);
        store.Change(Of(("total", "70")));

        var again = _journal.Start();
        Assert.Equal((7, 70, 3L), (again.Current.PerIp, again.Current.Total, again.Current.Revision));
    }

    [Fact]
    public void Journal_AfterManyChanges_IsBoundedAndKeepsAHundredRevisions()
    {
        using var journal = new JournalFolder { CompactBytes = 100_000 };
        var store = journal.Start();
        var reason = new string('r', 250);
        var longest = 0L;
        for (var i = 1; i <= 1000; i++)
        {
            store.Change(Of(("per-ip", $"{i}")) with { Reason = reason });
            longest = Math.Max(longest, new FileInfo(journal.File).Length);
        }

        Assert.InRange(longest, 90_000, 110_000);
        var again = journal.Start();
        Assert.Equal((1000, 1001L, 100), (again.Current.PerIp, again.Current.Revision, again.Overview().History.Count));
        Assert.Equal((902L, "901"), (again.Overview().History[0].Revision, again.Overview().History[0].Items["per-ip"]));
        Assert.Equal([journal.File], Directory.GetFiles(Path.GetDirectoryName(journal.File)!));
    }

    // In the place of a file nothing can be written, whoever runs the test.
    private sealed class Unwritable : IDisposable
    {
        private readonly string _file;

        public Unwritable(string file)
        {
            _file = file;
            File.Move(file, file + ".kept");
            Directory.CreateDirectory(file);
            Directory.CreateDirectory(file + ".new");
        }

        public void Dispose()
        {
            Directory.Delete(_file + ".new");
            Directory.Delete(_file);
            File.Move(_file + ".kept", _file);
        }
    }
}
