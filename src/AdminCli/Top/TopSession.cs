using System.Runtime.ExceptionServices;
using System.Threading.Channels;
using Relay.AdminApi;
using Relay.AdminCli.Commands;

namespace Relay.AdminCli.Top;

/// <summary>The live view: takes events one by one, makes the next state of them, and draws it.</summary>
internal sealed class TopSession
{
    private const int MaxEvents = 64;
    private const int LargestPage = 1000;

    // A list costs a busy relay more than a snapshot: however short the interval, there is one a second.
    private static readonly TimeSpan BetweenLists = TimeSpan.FromMilliseconds(900);

    // Fixed after construction.
    private readonly AdminCall _call;
    private readonly bool _ascii;
    private readonly long _started;
    private readonly Channel<TopEvent> _events = Channel.CreateBounded<TopEvent>(MaxEvents);

    // The loop's only.
    private TopState _state;
    private bool _isListing;
    private Task _acting = Task.CompletedTask;

    public TopSession(AdminCall call, TopView view, bool ascii)
    {
        (_call, _ascii, _started) = (call, ascii, call.Context.Clock.GetTimestamp());
        _state = new TopState(Printable.Clean($"{call.Connection.Address}"), view);
    }

    public async Task<int> RunAsync(StatsFeed stats, Stats first)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(_call.Cancel);
        // A full channel has an event in it already, after which the screen is drawn; a quit may not get lost.
        using var terminal = RawTerminal.Take(_call.Writer, () => _events.Writer.TryWrite(new TopEvent.Changed()), stop.Cancel);
        if (terminal is null)
        {
            _call.Error.WriteLine(TopCommand.NoTerminal);
            return ExitCodes.Usage;
        }

        var feed = new TopFeed(_call, _events.Writer, stop.Token);
        // Both end with the process at the latest: nothing can take a read back from a terminal.
        _ = feed.ReadStatsAsync(stats, first);
        _ = ReadKeysAsync(terminal, stop.Token);
        try
        {
            while (await _events.Reader.ReadAsync(stop.Token) is not TopEvent.Quit and var happened)
            {
                if (happened is TopEvent.Ended ended)
                {
                    terminal.Dispose();
                    ExceptionDispatchInfo.Throw(ended.Failure);
                }

                if (!Take(happened, terminal, feed))
                {
                    break;
                }

                Draw(terminal);
            }

            // What was said yes to and is on its way: it has a deadline, and the next prompt should find it done.
            await _acting;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // SIGINT, SIGTERM, SIGHUP: how a view is meant to end.
        }
        finally
        {
            await stop.CancelAsync();
        }

        return ExitCodes.Ok;
    }

    /// <summary>False: the operator has seen enough.</summary>
    private bool Take(TopEvent happened, RawTerminal terminal, TopFeed feed)
    {
        _isListing &= happened is not (TopEvent.Listed or TopEvent.NotListed);
        switch (happened)
        {
            case TopEvent.Snapshot snapshot when !_state.Paused:
                _state = _state.With(snapshot.Stats);
                if (Now() - _state.ListedAt >= BetweenLists || _state.ListedAt == default)
                {
                    List(feed, asked: false);
                }

                break;
            case TopEvent.Disconnected disconnected:
                _state = _state with { Lost = disconnected.Lost };
                break;
            case TopEvent.Listed listed when (listed.Asked || !_state.Paused) && listed.View == _state.Wanted:
                _state = _state.With(listed.View, listed.Ips, Now());
                break;
            case TopEvent.NotListed refused when refused.View == _state.Wanted:
                _state = _state with { Wanted = _state.View, Status = refused.Why };
                break;
            case TopEvent.Done done:
                _state = _state with { Status = done.Outcome };
                break;
            case TopEvent.Changed:
                terminal.Forget();
                List(feed, asked: true);
                break;
            case TopEvent.Keys keys:
                return Press(keys.Pressed, terminal, feed);
        }

        if (_state.Wanted != _state.View)
        {
            // Asked for while another list was on its way, or not answered yet.
            List(feed, asked: true);
        }

        return true;
    }

    private bool Press(IReadOnlyList<TopKey> keys, RawTerminal terminal, TopFeed feed)
    {
        foreach (var key in keys)
        {
            var before = _state;
            (_state, var effect) = TopKeys.Press(before, key);
            if (effect is TopEffect.Quit)
            {
                return false;
            }

            Run(effect, terminal, feed);
            if (_state.Wanted != before.Wanted || (before.Paused && !_state.Paused))
            {
                List(feed, asked: true);
            }

            if (_state.Prompt is { IsQuestion: true })
            {
                // What came in the same breath was typed, or pasted, before the question was there to be read.
                break;
            }
        }

        return true;
    }

    private void Run(TopEffect? effect, RawTerminal terminal, TopFeed feed)
    {
        switch (effect)
        {
            case TopEffect.Suspend when OperatingSystem.IsLinux():
                LibC.StopForeground();
                break;
            case TopEffect.Redraw:
                terminal.Forget();
                break;
            case TopEffect.Kick or TopEffect.Ban when !_acting.IsCompleted:
                _state = _state with { Status = new("Not done: the relay has not answered the previous request yet.", Tone.Warning) };
                break;
            case TopEffect.Kick or TopEffect.Ban:
                _state = _state with { Status = "..." };
                _acting = feed.ActAsync(effect);
                break;
        }
    }

    private void List(TopFeed feed, bool asked)
    {
        if (!_isListing)
        {
            _isListing = true;
            var (columns, rows) = _call.Context.Terminal.Size();
            _ = feed.ListAsync(_state.Wanted, Math.Min(TopScreen.RowsThatFit(_state, columns, rows), LargestPage), asked);
        }
    }

    private void Draw(RawTerminal terminal)
    {
        var (columns, rows) = _call.Context.Terminal.Size();
        terminal.Draw([.. TopScreen.Lines(_state, columns, rows, _ascii).Select(line => line.Paint(columns, _call.Context.Terminal.Colour))]);
    }

    private async Task ReadKeysAsync(RawTerminal terminal, CancellationToken stop)
    {
        var decoder = new KeyDecoder();
        var buffer = new byte[256];
        try
        {
            while (await terminal.ReadAsync(buffer) is > 0 and var count)
            {
                await _events.Writer.WriteAsync(new TopEvent.Keys(decoder.Read(buffer.AsSpan(0, count))), stop);
            }

            await _events.Writer.WriteAsync(new TopEvent.Quit(), stop);
        }
        catch (OperationCanceledException)
        {
            // The screen is left.
        }
    }

    private TimeSpan Now() => _call.Context.Clock.GetElapsedTime(_started);
}
