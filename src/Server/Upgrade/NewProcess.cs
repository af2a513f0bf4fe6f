using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using Relay.Native;
using Relay.Protocol.Moving;
using Relay.Upgrade.V1;
using Counts = Relay.Cluster.V1.Counts;

namespace Relay.Upgrade;

/// <summary>
/// The process that is to take the place of this one, from its start to the end of the hand-over. Everything throws
/// <see cref="UpgradeException"/> when it has ended, takes too long, or says that it cannot start.
/// </summary>
internal sealed class NewProcess : IDisposable
{
    /// <summary>Names the descriptor of its end of the pair of sockets.</summary>
    public const string Variable = "RELAYD_UPGRADE_FD";

    private const int MaxProblem = 1000;

    // Of what systemd hands to the process that it starts, and to no other.
    private static readonly string[] NotInherited = ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"];

    private static readonly TimeSpan ExitTimeout = TimeSpan.FromSeconds(10);

    // While clients wait.
    private static readonly TimeSpan StandstillPatience = TimeSpan.FromSeconds(5);

    private readonly Process _process;
    private readonly UpgradeLink _link;
    private readonly TimeSpan _patience;
    private readonly TimeProvider _time;

    private NewProcess(Process process, UpgradeLink link, TimeSpan patience, TimeProvider time) =>
        (_process, _link, _patience, _time, Id) = (process, link, patience, time, process.Id);

    public int Id { get; }

    /// <summary>Starts the program as this process was started, with the files that lie there now.</summary>
    public static NewProcess Start(RunningProgram program, TimeProvider time)
    {
        if (!PassedDescriptors.TryCreatePair(out var own, out var other))
        {
            throw new UpgradeException("the system has no descriptors left");
        }

        var link = new UpgradeLink(own, time);
        try
        {
            var start = new ProcessStartInfo(program.Command[0], program.Command.Skip(1));
            start.Environment[Variable] = other.ToString(CultureInfo.InvariantCulture);
            Array.ForEach(NotInherited, name => start.Environment.Remove(name));
            PassedDescriptors.SetInheritable(other, isInheritable: true);
            return new NewProcess(Process.Start(start)!, link, program.Patience, time);
        }
        catch (Win32Exception exception)
        {
            link.Dispose();
            throw new UpgradeException($"{program.Command[0]} cannot be started: {exception.Message}");
        }
        finally
        {
            Descriptors.Close(other);
        }
    }

    /// <summary>Waits until it says which version it is, and gives that.</summary>
    public async Task<string> GreetAsync()
    {
        var hello = (await ReceiveAsync(Handover.StepOneofCase.Hello)).Hello;
        return hello.Version == UpgradeLink.Version
            ? hello.Program
            : throw new UpgradeException(FormattableString.Invariant(
                $"relayd {Clean(hello.Program)} hands over in another way (version {hello.Version}, this is {UpgradeLink.Version}); drain this one and restart it"));
    }

    /// <summary>Gives it the listening sockets, and waits until it would take over the rest.</summary>
    public async Task OfferAsync(IReadOnlyList<int> listeners, Offer offer)
    {
        var chunks = listeners.Chunk(PassedDescriptors.Max).ToList();
        await OnThreadAsync(() =>
        {
            for (var i = 0; i < chunks.Count; i++)
            {
                _link.Send(new Handover { Offer = new Offer(offer) { IsMore = i < chunks.Count - 1 } }, chunks[i], _patience);
            }
        });
        await ReceiveAsync(Handover.StepOneofCase.Prepared);
    }

    /// <summary>Tells it what this process holds.</summary>
    public Task TellAsync(IReadOnlyList<Counts> counts) => OnThreadAsync(() =>
    {
        foreach (var part in counts)
        {
            _link.Send(new Handover { Counts = part }, [], _patience);
        }
    });

    /// <summary>Tells it that what only one process can have is free, and waits until it has started, and would serve.</summary>
    public async Task TakeOverAsync(IReadOnlyList<Counts> held)
    {
        await TellAsync(held);
        await OnThreadAsync(() => _link.Send(new Handover { Released = new Released() }, [], _patience));
        await ReceiveAsync(Handover.StepOneofCase.Ready);
    }

    /// <summary>Tells it what is known of clients, and waits until it would go on with them. Numbers of those that it does not take in.</summary>
    /// <param name="write">Writes parts, each with its descriptor or -1.</param>
    public async Task<IReadOnlySet<long>> MoveAsync(Action<Action<MovedPart, int>> write)
    {
        await ExplainAsync(() =>
        {
            var parts = new MovedPartWriter((message, descriptors) => _link.Send(message, descriptors, StandstillPatience));
            write(parts.Write);
            parts.Finish();
        });
        var started = await ReceiveAsync(Handover.StepOneofCase.Started, StandstillPatience);
        return started.Started.Refused.ToHashSet();
    }

    /// <summary>Tells it that it is the relay from now on; with this message it is.</summary>
    /// <param name="kept">Numbers of those that stay with this process.</param>
    public Task CommitAsync(IReadOnlyList<long> kept) =>
        OnThreadAsync(() => _link.Send(new Handover { Committed = new Committed { Kept = { kept } } }, [], StandstillPatience));

    /// <summary>Tells it that this process accepts no more, and what it holds, if it is still there.</summary>
    public async Task OpenAsync(IReadOnlyList<Counts> held)
    {
        try
        {
            await TellAsync(held);
            await OnThreadAsync(() => _link.Send(new Handover { Opened = new Opened() }, [], _patience));
        }
        catch (UpgradeException)
        {
            // It serves, and has for a moment; whatever ends it then, the supervisor starts it anew.
        }
    }

    /// <summary>Ends it, if it has not ended by itself, and waits for that.</summary>
    public async Task EndAsync()
    {
        Kill();
        try
        {
            await _process.WaitForExitAsync().WaitAsync(ExitTimeout, _time);
        }
        catch (TimeoutException)
        {
            // The system cannot end it now; what it has open it keeps until then.
        }
    }

    /// <summary>Ends it at once. From any thread.</summary>
    public void Kill()
    {
        try
        {
            _process.Kill();
        }
        catch (InvalidOperationException)
        {
            // It has ended.
        }
    }

    public void Dispose()
    {
        _link.Dispose();
        _process.Dispose();
    }

    private async Task<Handover> ReceiveAsync(Handover.StepOneofCase expected, TimeSpan? within = null)
    {
        Handover? message = null;
        await ExplainAsync(() =>
        {
            message = _link.Receive(within ?? _patience, out var descriptors);
            descriptors.ForEach(Descriptors.Close);
        });
        if (message!.StepCase == Handover.StepOneofCase.Failed)
        {
            throw new UpgradeException($"the new process cannot start: {Clean(message.Failed.Problem)}");
        }

        return message.StepCase == expected ? message : throw new UpgradeException("the other process has sent what does not belong here");
    }

    // What has gone wrong with the link is mostly that the other end is no more.
    private async Task ExplainAsync(Action wait)
    {
        try
        {
            await OnThreadAsync(wait);
        }
        catch (UpgradeException exception)
        {
            throw await HasExitedAsync()
                ? new UpgradeException(FormattableString.Invariant($"the new process has ended with exit code {_process.ExitCode}; its log says why"))
                : exception;
        }
    }

    // Its end of the link is closed a moment before the process has ended.
    private async Task<bool> HasExitedAsync()
    {
        try
        {
            await _process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(1), _time);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    private static Task OnThreadAsync(Action wait) =>
        Task.Factory.StartNew(wait, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private static string Clean(string text) => string.Concat(text.Take(MaxProblem).Select(letter => char.IsControl(letter) ? ' ' : letter)).Trim();
}
