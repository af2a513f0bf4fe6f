using System.Globalization;
using Relay.Configuration;
using Relay.Native;
using Relay.Transport;
using Relay.Upgrade.V1;
using Counts = Relay.Cluster.V1.Counts;

namespace Relay.Upgrade;

/// <summary>
/// The process whose place this one is to take, as this one sees it: one call after another while it starts. They wait, and throw
/// <see cref="UpgradeException"/> where it does not come to the next.
/// </summary>
internal sealed class Predecessor(int descriptor, TimeProvider time) : IDisposable
{
    private const int MaxProblem = 1000;

    // The other one has bounds of its own, and ends this one when they are over.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    // It tells more often.
    private static readonly TimeSpan MaxSilence = TimeSpan.FromMinutes(1);

    private readonly UpgradeLink _link = new(descriptor, time);
    private readonly List<Counts> _held = [];
    private Offer _offer = new();
    private bool _isFollowed;

    /// <summary>The listening sockets.</summary>
    public InheritedSockets Sockets { get; private set; } = new([]);

    /// <summary>What this process was started for; null: not to take another's place.</summary>
    public static Predecessor? FromEnvironment(TimeProvider time)
    {
        var variable = Environment.GetEnvironmentVariable(NewProcess.Variable);
        if (!int.TryParse(variable, NumberStyles.None, CultureInfo.InvariantCulture, out var descriptor))
        {
            return null;
        }

        // Not for those whom this one starts.
        Environment.SetEnvironmentVariable(NewProcess.Variable, null);
        PassedDescriptors.SetInheritable(descriptor, isInheritable: false);
        return new Predecessor(descriptor, time);
    }

    /// <summary>Says who this is, takes the listening sockets, and checks whether it could start; then the other one releases what only one process can have.</summary>
    /// <param name="problem">Why it could not; null: it could.</param>
    public void TakeOver(Func<string?> problem)
    {
        Send(new Handover { Hello = new Hello { Version = UpgradeLink.Version, Program = ServerCommand.Version } });
        var sockets = new List<int>();
        do
        {
            _offer = Receive(Handover.StepOneofCase.Offer, sockets).Offer;
        }
        while (_offer.IsMore);

        Sockets = InheritedSockets.Of(sockets);
        if (problem() is { } why)
        {
            throw new UpgradeException(why);
        }

        Send(new Handover { Prepared = new Prepared() });
        var message = _link.Receive(Patience, out _);
        for (; message.StepCase == Handover.StepOneofCase.Counts; message = _link.Receive(Patience, out _))
        {
            _held.Add(message.Counts);
        }

        Expect(message, Handover.StepOneofCase.Released);
    }

    /// <summary>Before this process accepts anybody: what the other one holds counts here as well.</summary>
    public void Begin(RemainingClients clients, ClientTakeOver arriving)
    {
        _held.ForEach(clients.Take);
        arriving.Begin(_offer.LastSession);
    }

    /// <summary>
    /// This process has started. Takes in the clients of the other one, and waits until that accepts no more and the supervisor knows; what to publish
    /// then. From then on what the other one holds is followed until it ends.
    /// </summary>
    public Upgraded Confirm(RemainingClients clients, ClientTakeOver arriving)
    {
        var moved = 0;
        try
        {
            Send(new Handover { Ready = new Ready() });
            moved = TakeIn(arriving);
            Open(clients);
        }
        catch (UpgradeException)
        {
            // It has ended meanwhile, so that this one is the relay in any case.
            arriving.GiveUp();
        }
        catch (Exception exception)
        {
            // It waits for this one, and so do its clients.
            Fail(exception.Message);
            throw;
        }

        arriving.Open();
        Sockets.CloseRest();
        _isFollowed = true;
        _ = Task.Factory.StartNew(() => Follow(clients), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        return new Upgraded(_offer.Program, ServerCommand.Version, _offer.Who, moved) { Reason = _offer.Reason };
    }

    /// <summary>This process ends, and the other one goes on.</summary>
    public void Fail(string problem)
    {
        try
        {
            Send(new Handover { Failed = new Failed { Problem = problem[..Math.Min(problem.Length, MaxProblem)] } });
        }
        catch (UpgradeException)
        {
            // Then it notices that this one ends.
        }
    }

    public void Dispose()
    {
        // Else by the thread that reads from it.
        if (!_isFollowed)
        {
            _link.Dispose();
        }
    }

    private int TakeIn(ClientTakeOver arriving)
    {
        Moved moved;
        do
        {
            var descriptors = new List<int>();
            moved = Receive(Handover.StepOneofCase.Moved, descriptors).Moved;
            arriving.Read(moved, descriptors);
        }
        while (!moved.IsLast);

        IReadOnlySet<long> kept = new HashSet<long>();
        try
        {
            Send(new Handover { Started = new Started { Refused = { arriving.Refused } } });
            kept = Receive(Handover.StepOneofCase.Committed, []).Committed.Kept.ToHashSet();
        }
        catch (UpgradeException)
        {
            // It has ended, and nobody but this process has its clients.
        }

        return arriving.Arrive(kept);
    }

    // What the other one still holds, when it takes in no more.
    private void Open(RemainingClients clients)
    {
        Handover message;
        while ((message = Receive(null, [])).StepCase == Handover.StepOneofCase.Counts)
        {
            clients.Take(message.Counts);
        }

        Expect(message, Handover.StepOneofCase.Opened);
    }

    private void Follow(RemainingClients clients)
    {
        try
        {
            while (true)
            {
                clients.Take(Expect(_link.Receive(MaxSilence, out _), Handover.StepOneofCase.Counts).Counts);
            }
        }
        catch (UpgradeException)
        {
            // It has ended.
            clients.Forget();
            _link.Dispose();
        }
    }

    private void Send(Handover message) => _link.Send(message, [], Patience);

    // Null: whatever comes.
    private Handover Receive(Handover.StepOneofCase? expected, List<int> descriptors)
    {
        var message = _link.Receive(Patience, out var received);
        descriptors.AddRange(received);
        return expected is { } step ? Expect(message, step) : message;
    }

    private static Handover Expect(Handover message, Handover.StepOneofCase expected) =>
        message.StepCase == expected ? message : throw new UpgradeException("the relay that was to be replaced has sent what does not belong here");
}
