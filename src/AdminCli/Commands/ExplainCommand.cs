using System.CommandLine;
using System.CommandLine.Parsing;
using System.Net;
using Relay.AdminApi;

namespace Relay.AdminCli.Commands;

/// <summary>Whether a connection from an address would be admitted now, and why.</summary>
internal static class ExplainCommand
{
    private static readonly Column[] LimitColumns =
        [new("LIMIT"), new("COUNTED_BY"), new("CONNECTIONS", ToTheRight: true), new("OF", ToTheRight: true), new("SET_BY"), new("REACHED"), new("OTHER_NODES", ToTheRight: true, IfAny: true)];

    public static Command Create(GlobalOptions globals, CommandContext context)
    {
        var address = NetworkArgument.Address("The address that the connection comes from: the client's, or its proxy's.");
        var header = new Option<string[]>("--header", "-H")
        {
            Description = "A request header, such as 'X-Forwarded-For: 203.0.113.7'; may be repeated. 'PROXY: 203.0.113.7' stands for a PROXY protocol header.",
            HelpName = "header",
            CustomParser = ReadHeaders,
        };
        var listener = new Option<string?>("--listener")
        {
            Description = "The listener that accepts the connection, such as 0.0.0.0:9001 (default: the first one).",
            HelpName = "address:port",
            CustomParser = ArgumentParsers.Text("--listener", static text => text.Contains(':') && IPEndPoint.TryParse(text, out var end) && end.Port > 0, "an address and a port, such as 0.0.0.0:9001"),
        };
        var subject = SubjectArgument.Create("Who the client proves to be, where it must show a token: evaluated with the limits that it came with last.");
        var last = new Option<int?>("--last")
        {
            Description = "How many of its last decisions to show, 1 to 100 (default 20).",
            HelpName = "number",
            CustomParser = ArgumentParsers.Whole<int>("--last", 1, 100),
        };
        var command = new ExampleCommand(
            "explain",
            "Shows whether a connection would be admitted now, and why.",
            "Resolves the client's address hop by hop, evaluates every ban, limit and rate exactly as for a connection, and shows the "
                + "last decisions. In a cluster CONNECTIONS of an address or a network are those of all nodes; OTHER_NODES says how many of them are elsewhere. Changes nothing.",
            "relayctl explain 203.0.113.7",
            "relayctl explain 10.0.0.2 -H 'X-Forwarded-For: 203.0.113.7'   # through a proxy",
            "relayctl explain 203.0.113.7 --subject alice                   # what alice would get from there",
            "relayctl explain 2001:db8::1 -o json | jq -r .verdict")
        {
            address,
            header,
            listener,
            subject,
            last,
        };
        return command.WithAction(globals, context, async call =>
        {
            var explanation = await call.Connection.Decisions.ExplainAsync(
                new ExplainRequest
                {
                    Address = call.Options.GetValue(address),
                    Headers = { call.Options.GetValue(header) ?? [] },
                    Listener = call.Options.GetValue(listener) ?? "",
                    Subject = call.Options.GetValue(subject) ?? "",
                    Decisions = call.Options.GetValue(last) ?? 0,
                },
                call.Unary);
            call.Output.Answer(explanation, () => Print(call.Output, explanation));

            return ExitCodes.Ok;
        });
    }

    private static string[] ReadHeaders(ArgumentResult argument)
    {
        foreach (var header in argument.Tokens.Select(token => token.Value).Where(static text => text.IndexOf(':') <= 0))
        {
            argument.AddError($"'{Printable.Clean(header)}' is not a header; write it like 'X-Forwarded-For: 203.0.113.7'.");
        }

        return [.. argument.Tokens.Select(token => token.Value)];
    }

    private static void Print(Output output, Explanation explanation)
    {
        output.Rows(Head(explanation));
        output.Line("");
        output.Table(LimitColumns, [.. explanation.Limits.Select(LimitRow)]);
        if (explanation.Last.Count > 0)
        {
            output.Line("");
            output.Line("Last decisions, newest first:");
            foreach (var decision in explanation.Last)
            {
                output.Line($"  {DecisionLine.Format(decision)}");
            }
        }
    }

    private static IEnumerable<StatsRow> Head(Explanation explanation)
    {
        var isAdmitted = explanation.Verdict == "admitted";
        yield return new("verdict",
            new StatsRow.Part(Printable.Clean(explanation.Verdict), isAdmitted ? Tone.Good : Tone.Alarm),
            $"the client gets {Printable.Clean(explanation.ClientSees)}");
        foreach (var step in explanation.Origin)
        {
            var where = step.Where == "socket" ? "" : $"{Printable.Clean(step.Where)}: ";
            yield return new("source", $"{where}{Printable.CleanOrUnknown(step.Found)} {Printable.Clean(step.Verdict)}");
        }

        yield return new("address", Printable.Clean(explanation.Address), $"counted as {Printable.Clean(explanation.Key)}");
        if (explanation.Ban is { } ban)
        {
            yield return new("ban",
                new StatsRow.Part($"{SubjectArgument.Of(ban)} {(ban.Until is { } until ? $"until {Units.Time(until)}" : "without an end")}", Tone.Alarm),
                ban.Source,
                Printable.Clean(ban.Reason));
        }

        yield return new("rate", $"address {explanation.RatePerIp}{Wait(explanation.RateWait)}", $"all {explanation.RateTotal}{Wait(explanation.RateWaitTotal)}");
        if (explanation.ShadowVerdict.Length > 0)
        {
            yield return new("shadow", $"would be {Printable.Clean(explanation.ShadowVerdict)}");
        }
    }

    private static string Wait(Google.Protobuf.WellKnownTypes.Duration? wait) =>
        wait?.ToTimeSpan() is { TotalMilliseconds: >= 1 } time ? $" (wait {time.TotalSeconds:0.0##} s)" : "";

    private static string[] LimitRow(LimitCheck limit) =>
    [
        Printable.Clean(limit.Name),
        Printable.CleanOrUnknown(limit.Key),
        Units.Plain(limit.Connections),
        limit is { Limit: 0, Reached: false } ? "none" : Units.Plain(limit.Limit),
        Printable.CleanOrUnknown(limit.Rule),
        limit.Reached ? "yes" : "no",
        limit.Remote == 0 ? Units.Unknown : Units.Plain(limit.Remote),
    ];
}
