using System.CommandLine;
using System.CommandLine.Help;
using System.Globalization;
using System.Net;
using Relay.AdminCli;

namespace Relay.Dashboard;

/// <summary>The command line: relayctl's options for the relay, and where the dashboard itself listens.</summary>
internal static class DashboardCommand
{
    private static readonly ParserConfiguration Parsing = new() { ResponseFileTokenReplacer = null };

    public static async Task<int> RunAsync(string[] args)
    {
        var context = CommandContext.OfThisProcess();
        var parsed = Create(context).Parse(args, Parsing);
        if (parsed.Errors.Count > 0 && parsed.Action is not HelpAction)
        {
            foreach (var message in parsed.Errors.Select(error => Printable.Clean(error.Message)).Distinct())
            {
                await Console.Error.WriteLineAsync(message);
            }

            await Console.Error.WriteLineAsync("Run `relay-dashboard --help` for usage.");
            return ExitCodes.Usage;
        }

        // Ctrl-C and SIGTERM are the web host's, which closes what is open.
        return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
    }

    private static RootCommand Create(CommandContext context)
    {
        var globals = new GlobalOptions(context);
        var port = new Option<int>("--port")
        {
            Description = "Port on 127.0.0.1, 1 to 65535. Default: a free one.",
            HelpName = "port",
            CustomParser = argument => ArgumentParsers.Whole<int>("--port", 1, IPEndPoint.MaxPort)(argument) ?? 0,
        };
        var noOpen = new Option<bool>("--no-open") { Description = "Only print the address, do not open a browser." };
        var listen = new Option<IPEndPoint?>("--listen")
        {
            Description = "For a team: address and port to listen on, such as 0.0.0.0:9443, with TLS. Every operator logs in with a token of his own.",
            HelpName = "address:port",
            CustomParser = static argument =>
            {
                // The system reads an address alone as well, with port 0, which here is any free one.
                var text = argument.Tokens[0].Value;
                var hasPort = text.StartsWith('[') ? text.Contains("]:", StringComparison.Ordinal) : text.Count(c => c == ':') == 1;
                if (hasPort && IPEndPoint.TryParse(text, out var endpoint))
                {
                    return endpoint;
                }

                argument.AddError($"--listen must be an address and a port, such as 0.0.0.0:9443 or [::]:9443, not '{Printable.Clean(text)}'.");
                return null;
            },
        };
        var certificate = new Option<string?>("--tls-cert") { Description = "With --listen: the dashboard's certificate (PEM) with its chain. A renewed file is taken without a restart.", HelpName = "file" };
        var key = new Option<string?>("--tls-key") { Description = "With --listen: its private key (PEM).", HelpName = "file" };
        var root = new RootCommand("Shows a relay in a browser: load, addresses, limits, decisions, connections; `relayctl dashboard` starts it.")
        {
            globals.Server,
            globals.Context,
            globals.Timeout,
            globals.TokenFile,
            globals.CaFile,
            globals.Certificate,
            globals.Key,
            port,
            noOpen,
            listen,
            certificate,
            key,
        };
        root.Options.Remove(root.Options.OfType<HelpOption>().Single());
        root.Options.Add(new HelpOption("--help", "-h"));
        root.Validators.Add(result =>
        {
            var isForTeam = result.GetResult(listen) is not null;
            Check(isForTeam && (result.GetValue(certificate) is null || result.GetValue(key) is null), "--listen requires --tls-cert and --tls-key.");
            Check(isForTeam && (result.GetValue(globals.TokenFile) ?? result.GetValue(globals.Certificate)) is not null, "--listen is for operators who log in: --token-file and --cert cannot be combined with it.");
            Check(isForTeam && result.GetResult(port) is not null, "--port is for loopback; --listen has a port of its own.");
            Check(!isForTeam && (result.GetValue(certificate) ?? result.GetValue(key)) is not null, "--tls-cert and --tls-key require --listen.");

            void Check(bool isWrong, string message)
            {
                if (isWrong)
                {
                    result.AddError(message);
                }
            }
        });
        root.SetAction(async (options, cancel) =>
        {
            var isForTeam = options.GetValue(listen) is not null;
            if (FindRelays(globals, options, context, isForTeam, out var failure) is not { } relays)
            {
                await Console.Error.WriteLineAsync(failure!.Message);
                return failure.ExitCode;
            }

            var settings = new DashboardSettings(
                options.GetValue(listen) ?? new IPEndPoint(IPAddress.Loopback, options.GetValue(port)),
                isForTeam ? new TlsFiles(options.GetValue(certificate)!, options.GetValue(key)!) : null,
                relays,
                !isForTeam && !options.GetValue(noOpen),
                globals.TimeoutOf(options),
                context);
            return await DashboardHost.RunAsync(settings, cancel);
        });
        return root;
    }

    // The chosen one first, then the operator's other contexts, unless an address was given, which is all that is meant then.
    private static List<NamedRelay>? FindRelays(GlobalOptions globals, ParseResult options, CommandContext context, bool isForTeam, out Failure? failure)
    {
        if (ServerChoice.Find(globals, options, context, out failure) is not { } chosen)
        {
            return null;
        }

        var saved = ContextFile.Exists(context.Variable) ? ContextFile.Open(context.Variable, out _) : null;
        var current = options.GetValue(globals.Context) ?? saved?.Current;
        var byContext = saved is not null && current is not null && options.GetValue(globals.Server) is null
            && (options.GetValue(globals.Context) is not null || string.IsNullOrEmpty(context.Variable("RELAY_ADMIN")));
        var relays = new List<NamedRelay> { new(byContext ? current! : chosen.Address.ToString(), chosen) };
        foreach (var (name, other) in byContext ? saved!.Contexts : [])
        {
            if (name != current && ServerAddress.Parse(other.Server, name, out _) is { } address)
            {
                relays.Add(new NamedRelay(name, new ServerChoice(address, other.CaFile, other.TokenFile, other.Certificate, other.Key)));
            }
        }

        if (!isForTeam)
        {
            // What cannot work is said now and not in the browser.
            return Credentials.Find(chosen, context, Console.Error, out failure) is null ? null : relays;
        }

        if (chosen.Address.SocketPath is not null || !chosen.Address.IsPrivate)
        {
            failure = new Failure(ExitCodes.Usage, string.Create(CultureInfo.InvariantCulture,
                $"--listen needs a relay that knows operators by their tokens, and {chosen.Address} {(chosen.Address.SocketPath is null ? "has no TLS" : "would take all of them for this process")}. Give --server https://host:port."));
            return null;
        }

        // Nobody is logged in with what belongs to this process.
        return [.. relays.Where(relay => relay.Choice.Address is { SocketPath: null, IsPrivate: true })
            .Select(relay => relay with { Choice = relay.Choice with { TokenFile = null, Certificate = null, Key = null } })];
    }
}
