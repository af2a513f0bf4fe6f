using Relay.Events;
using Relay.Policy;

namespace Server.Tests.Policy;

/// <summary>A folder with a journal, and stores that are started on it one after another, each as after a crash of the one before.</summary>
internal sealed class JournalFolder : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("relay-journal-").FullName;
    private LimitPolicyStore? _store;

    public SteppingTime Time { get; } = new();

    /// <summary>When the file is compacted; small, so that a test sees it.</summary>
    public long CompactBytes { get; init; } = 1 << 20;

    public AdmissionOptions Options { get; set; } = new() { Total = 100, PerIp = 50 };

    public string File => Path.Combine(_folder, "sub", "policy.jsonl");

    /// <summary>What the last store that was started has published.</summary>
    public RelayEvents Events { get; private set; } = new(TimeProvider.System);

    public IReadOnlyList<string> Lines => System.IO.File.ReadAllLines(File);

    /// <summary>Nothing is told to the store before: it might as well have been killed.</summary>
    public LimitPolicyStore Start()
    {
        _store?.Dispose();
        Events = new RelayEvents(Time);
        _store = new LimitPolicyStore(Options, Time, new PolicyJournal(File) { MinCompactBytes = CompactBytes }, Events);
        return _store;
    }

    public void Dispose()
    {
        _store?.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    public static PolicyChange Of(params (string Path, string? Text)[] edits) =>
        new(edits.ToDictionary(edit => edit.Path, edit => edit.Text), "test", "why");
}
