using System.CommandLine;
using System.Globalization;
using Google.Protobuf.WellKnownTypes;
using Relay.Configuration;

namespace Relay.AdminCli;

/// <summary>A list again and again: on a terminal redrawn in place, elsewhere one after another with the time.</summary>
internal static class ListWatch
{
    /// <summary>The action of a list: <paramref name="show"/> asks the relay and prints once.</summary>
    public static Command WithWatch(this Command command, GlobalOptions globals, CommandContext context, Func<AdminCall, Task<int>> show)
    {
        var flags = new WatchFlags("elsewhere printed every interval (one line with -o json; with jsonl and csv each row has the time in observedAt)");
        flags.AddTo(command);
        return command.WithAction(globals, context, call => flags.IsOn(call.Options) ? RunAsync(call, flags, show) : show(call));
    }

    private static Task<int> RunAsync(AdminCall call, WatchFlags flags, Func<AdminCall, Task<int>> show)
    {
        var draws = call.Output.IsText && call.Context.Terminal.Redraws;
        var outage = new Outage(call, flags.ExitsOnLoss(call.Options), announces: !draws);
        var interval = flags.IntervalOf(call.Options);
        return outage.RunAsync(() => draws ? DrawAsync(call, outage, interval, show) : PrintAsync(call, outage, interval, show));
    }

    private static async Task<int> DrawAsync(AdminCall call, Outage outage, TimeSpan interval, Func<AdminCall, Task<int>> show)
    {
        using var text = NewText();
        var into = call.Into(text, text);
        WatchScreen? screen = null;
        var shown = "";
        try
        {
            while (true)
            {
                text.GetStringBuilder().Clear();
                string state;
                if (await outage.TryAsync(() => show(into)))
                {
                    shown = text.ToString();
                    state = $"every {Durations.Format(interval)}   {Now(call)}";
                }
                else
                {
                    state = $"DISCONNECTED {Units.Duration(outage.Length)}, reconnecting";
                }

                // The first answer is waited for before the screen is taken: a relay that is not there needs none.
                screen ??= new WatchScreen(call.Writer, call.Context.Terminal);
                screen.Draw($"{call.Connection.Address}   {state}   Ctrl-C ends\n{shown}");
                if (outage.Length == TimeSpan.Zero)
                {
                    await Task.Delay(interval, call.Context.Clock, call.Cancel);
                }
            }
        }
        finally
        {
            screen?.Dispose();
        }
    }

    private static async Task<int> PrintAsync(AdminCall call, Outage outage, TimeSpan interval, Func<AdminCall, Task<int>> show)
    {
        using var text = NewText();
        using var notes = NewText();
        var into = call.Into(text, notes);
        var said = "";
        while (true)
        {
            text.GetStringBuilder().Clear();
            notes.GetStringBuilder().Clear();
            if (!await outage.TryAsync(() => show(into)))
            {
                continue;
            }

            call.Writer.Write(call.Output.IsText ? $"{Now(call)}\n{text}\n" : text.ToString());
            call.Output.Flush();
            // Once, and again when they change: not with every list.
            if (notes.ToString() != said)
            {
                call.Error.Write(said = notes.ToString());
            }

            await Task.Delay(interval, call.Context.Clock, call.Cancel);
        }
    }

    private static string Now(AdminCall call) => Units.Time(call.Context.Clock.GetUtcNow().ToTimestamp());

    private static StringWriter NewText() => new(CultureInfo.InvariantCulture) { NewLine = "\n" };
}
