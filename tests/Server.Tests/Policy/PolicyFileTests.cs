using Microsoft.Extensions.Time.Testing;
using Relay.Policy;

namespace Server.Tests.Limits;

/// <summary>What a restart keeps, and what a file that people may have edited can do.</summary>
public sealed class PolicyFileTests : IDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly string _folder = Directory.CreateTempSubdirectory("relay-policy-").FullName;
    private readonly List<LimitPolicyStore> _stores = [];

    private string FilePath => Path.Combine(_folder, "sub", "policy.json");

    public void Dispose()
    {
        _stores.ForEach(store => store.Dispose());
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void Start_NothingSaved_IsTheSettingsAndWritesNothing()
    {
        var store = Start();
        Change(store, ("per-ip", "7"));

        Assert.False(store.Overview().IsSaved);
        Assert.False(File.Exists(FilePath));
        Assert.Equal(50, Start().Current.PerIp);
    }

    [Fact]
    public void Save_ThenStart_HasTheSameItemsRevisionAndHistory()
    {
        var store = Start();
        Change(store, ("per-ip", "7"), ("ban/192.0.2.1", "forever <b>über</b> \"x\""), ("shadow/total", "9"));
        Change(store, ("override/2001:db8::/32", "deny"));
        Assert.Equal(4, store.Save("somebody").Count);
        Assert.Empty(store.Overview().Unsaved);

        var again = Start();
        Assert.Empty(PolicyItems.Diff(store.Current.Items, again.Current.Items));
        Assert.Equal(3, again.Current.Revision);
        AssertSameHistory(store, again);
    }

    [Fact]
    public void Save_ForEyesOfTheOwnerOnly_LeavesNothingBeside()
    {
        Start().Save("somebody");

        Assert.Equal([FilePath], Directory.GetFiles(Path.GetDirectoryName(FilePath)!));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(FilePath));
    }

    [Fact]
    public void Start_WithUnsavedChanges_HasWhatWasSavedUnderANewRevision()
    {
        var store = Start();
        Change(store, ("per-ip", "7"));
        store.Save("somebody");
        Change(store, ("total", "20"));
        Hold(store, minutes: 30, ("per-ip", "3"));

        var again = Start();
        Assert.Equal((100, 3, 102L), (again.Current.Total, again.Current.PerIp, again.Current.Revision));
        Assert.Equal([new PolicyDifference("total", "20", "100")], again.Overview().History[^1].Differences);
        AssertSameHistory(store, again, newer: 1);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Start_AfterUnsavedRevisions_GivesNoNumberASecondTime(bool saved)
    {
        var names = new Dictionary<long, PolicyItems>();
        for (var start = 0; start < 4; start++)
        {
            var store = Start();
            store.Changed = made => Assert.True(names.TryAdd(made.Revision, made.Items), $"revision {made.Revision} is given out twice");
            for (var i = 0; i < 120; i++)
            {
                Change(store, ("per-ip", $"{10 + start + i}"));
                if (saved && i == 30)
                {
                    store.Save("somebody");
                }
            }

            StopAll();
        }

        Assert.Equal(480, names.Count);
        Assert.InRange(names.Keys.Max(), 480, 480 + (4 * 100));
    }

    [Fact]
    public void Start_ReserveOfNumbersDamaged_SaysWhatToDo()
    {
        Change(Start(), ("per-ip", "7"));
        File.WriteAllText(FilePath + ".revision", "many");

        Assert.Contains("Write that number, or move the file away.", Assert.Throws<InvalidDataException>(() => Start()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void HoldFor_OverAStartInTheMiddle_EndsInTime()
    {
        Hold(Start(), minutes: 30, ("per-ip", "3"), ("ban/192.0.2.1", "forever"));
        _time.Advance(TimeSpan.FromMinutes(29));
        var again = Start();
        Assert.Equal(3, again.Current.PerIp);
        _time.Advance(TimeSpan.FromMinutes(1));

        Assert.Equal((50, null), (again.Current.PerIp, again.Current.Items["ban/192.0.2.1"]));
        Assert.Equal(50, Start().Current.PerIp);
    }

    [Fact]
    public void HoldFor_OverWhileTheRelayWasDown_IsTakenBackAtTheStart()
    {
        Hold(Start(), minutes: 30, ("per-ip", "3"));
        StopAll();
        _time.Advance(TimeSpan.FromHours(5));

        var again = Start();
        Assert.Equal(50, again.Current.PerIp);
        Assert.Empty(again.Overview().Pending);
    }

    [Fact]
    public void HoldFor_ItemSavedWithAnotherValueSince_StaysAsSaved()
    {
        var store = Start();
        Hold(store, minutes: 30, ("per-ip", "3"));
        Change(store, ("per-ip", "4"));
        store.Save("somebody");

        var again = Start();
        Assert.Equal(4, again.Current.PerIp);
        _time.Advance(TimeSpan.FromMinutes(30));
        Assert.Equal(4, again.Current.PerIp);
    }

    [Fact]
    public void HoldFor_OnTopOfWhatWasNeverSaved_GoesBackToWhatWas()
    {
        var store = Start();
        Change(store, ("per-ip", "40"));
        Hold(store, minutes: 30, ("per-ip", "3"));
        StopAll();

        var again = Start();
        Assert.Equal(3, again.Current.PerIp);
        _time.Advance(TimeSpan.FromMinutes(30));
        Assert.Equal(50, again.Current.PerIp);
    }

    [Fact]
    public void ConfirmWithin_SavedAndThenConfirmed_StaysOverAStart()
    {
        var store = Start();
        store.Change(Of(("per-ip", "3")) with { ConfirmWithin = TimeSpan.FromMinutes(1) });
        store.Save("somebody");
        Assert.Single(store.Confirm(null));
        StopAll();
        _time.Advance(TimeSpan.FromHours(1));

        Assert.Equal(3, Start().Current.PerIp);
    }

    [Fact]
    public void Start_FileEditedByHand_HasWhatItSays()
    {
        var store = Start();
        Change(store, ("per-ip", "7"));
        store.Save("somebody");
        File.WriteAllText(FilePath, File.ReadAllText(FilePath)
            .Replace("\"per-ip\": \"7\"", "// for the office\n\"per-ip\": \"8\", \"override/203.0.113.0/24\": \"200\"", StringComparison.Ordinal));

        var again = Start();
        Assert.Equal((8, "200", true), (again.Current.PerIp, again.Current.Items["override/203.0.113.0/24"], again.Overview().IsSaved));
    }

    [Fact]
    public void Start_FileOlderThanALimit_HasTheSettingsForIt()
    {
        Write("""{ "format": 1, "revision": 4, "savedAt": "2026-01-01T00:00:00Z", "savedBy": "me", "items": { "total": "70" } }""");

        var store = Start();
        Assert.Equal((70, 50), (store.Current.Total, store.Current.PerIp));
    }

    [Theory]
    [InlineData("", 1)]
    [InlineData("null", 1)]
    [InlineData("{\n \"format\": 1,\n \"revision\": 4,\n", 4)]
    [InlineData("{\n \"format\": 1,\n \"revision\": 4,\n \"savedAt\": \"2026-01-01T00:00:00Z\", \"savedBy\": \"me\",\n \"items\": { \"total\": 70 } }", 5)]
    [InlineData("{\n \"format\": 1,\n \"revision\": 4,\n \"savedAt\": \"2026-01-01T00:00:00Z\", \"savedBy\": \"me\",\n \"items\": {\n \"total\": \"70\",\n \"per-ip\": \"0\" } }", 7)]
    [InlineData("{\n \"format\": 1,\n \"revision\": 4,\n \"savedAt\": \"2026-01-01T00:00:00Z\", \"savedBy\": \"me\",\n \"items\": {\n \"total\": \"70\",\n \"total\": \"80\" } }", 7)]
    [InlineData("{\n \"format\": 1,\n \"revision\": 4,\n \"savedAt\": \"2026-01-01T00:00:00Z\", \"savedBy\": \"me\",\n \"itmes\": {} }", 5)]
    [InlineData("{\n \"format\": 2,\n \"revision\": 4, \"savedAt\": \"2026-01-01T00:00:00Z\", \"savedBy\": \"me\" }", 2)]
    [InlineData("{\n \"format\": 1,\n \"revision\": 0, \"savedAt\": \"2026-01-01T00:00:00Z\", \"savedBy\": \"me\" }", 3)]
    [InlineData("{\n \"format\": 1,\n \"revision\": 4, \"savedAt\": \"2026-01-01T00:00:00Z\", \"savedBy\": \"me\",\n \"pending\": [ { \"revision\": 3, \"due\": \"2026-01-01T00:00:00Z\", \"needsConfirmation\": false, \"changes\": [\n { \"path\": \"per-ip\", \"before\": \"5\", \"after\": \"many\" } ] } ] }", 5)]
    public void Start_FileDamaged_NamesTheLineAndTouchesNothing(string text, int line)
    {
        Write(text);
        var error = Assert.Throws<InvalidDataException>(() => Start());

        Assert.StartsWith($"the policy file {FilePath} is damaged at line {line}: ", error.Message, StringComparison.Ordinal);
        Assert.EndsWith("Mend that line, or move the file away to start with the limits of the settings.", error.Message, StringComparison.Ordinal);
        Assert.Equal(text, File.ReadAllText(FilePath));
    }

    [Fact]
    public void Save_WhereTheTemporaryFileOfACrashLies_ReplacesIt()
    {
        Write("");
        File.Move(FilePath, FilePath + ".new");
        File.WriteAllText(FilePath + ".new", new string('x', 100_000));
        Start().Save("somebody");

        Assert.Equal(100, Start().Current.Total);
        Assert.False(File.Exists(FilePath + ".new"));
    }

    [Fact]
    public void HoldFor_FileCannotBeWritten_HoldsAndWarns()
    {
        File.WriteAllText(Path.Combine(_folder, "sub"), "a file where the folder should be");
        var result = Start().Change(Of(("per-ip", "3")) with { Ttl = TimeSpan.FromMinutes(30) });

        Assert.Equal(3, result.After.PerIp);
        Assert.Contains("a restart would not know how long it was to hold", Assert.Single(result.Warnings), StringComparison.Ordinal);
    }

    private LimitPolicyStore Start()
    {
        var store = new LimitPolicyStore(new AdmissionOptions { Total = 100, PerIp = 50 }, _time, new PolicyFile(FilePath));
        _stores.Add(store);
        return store;
    }

    // Those that run on would take things back, and write, as the one that was started last does.
    private void StopAll() => _stores.ForEach(store => store.Dispose());

    private void Write(string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(FilePath)!);
        File.WriteAllText(FilePath, text);
    }

    private static void AssertSameHistory(LimitPolicyStore before, LimitPolicyStore after, int newer = 0)
    {
        var (old, young) = (before.Overview().History, after.Overview().History.SkipLast(newer).ToList());
        Assert.Equal(old.Select(entry => (entry.Revision, entry.Who, entry.Reason)), young.Select(entry => (entry.Revision, entry.Who, entry.Reason)));
        Assert.All(old.Zip(young), pair => Assert.Empty(PolicyItems.Diff(pair.First.Items, pair.Second.Items)));
    }

    private static void Hold(LimitPolicyStore store, int minutes, params (string Path, string? Text)[] edits) =>
        Assert.Empty(store.Change(Of(edits) with { Ttl = TimeSpan.FromMinutes(minutes) }).Errors);

    private static void Change(LimitPolicyStore store, params (string Path, string? Text)[] edits) => Assert.Empty(store.Change(Of(edits)).Errors);

    private static PolicyChange Of(params (string Path, string? Text)[] edits) => new(edits.ToDictionary(edit => edit.Path, edit => edit.Text), "test", "why");
}
