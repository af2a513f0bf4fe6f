using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.Reflection;
using Relay.Transport;

namespace Relay.Configuration;

/// <summary>relayd's command line: where the settings come from, and whether to run or only to check.</summary>
internal static class ServerCommand
{
    public const int BadConfiguration = 2;

    public static string Version { get; } =
        typeof(ServerCommand).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];

    private static RootCommand Create(Func<RelaySettings, SettingsSource, CancellationToken, Task<int>> run)
    {
        var config = new System.CommandLine.Option<FileInfo?>("--config", "-c");
        var check = new System.CommandLine.Option<bool>("--check-config");
        var settings = new Argument<string[]>("settings") { Arity = ArgumentArity.ZeroOrMore };
        var show = new Command("show") { config, settings };
        var root = new RootCommand { config, check, settings, new Command("config") { show }, MigrateStorageCommand.Create() };
        root.TreatUnmatchedTokensAsErrors = show.TreatUnmatchedTokensAsErrors = false;
        show.SetAction(async (result, _) =>
        {
            var source = SourceOf(result, config, settings);
            if (await ReadAsync(source, result) is not { } read)
            {
                return BadConfiguration;
            }

            ConfigurationShow.Write(read, result.InvocationConfiguration.Output);
            return 0;
        });
        foreach (var help in root.Options.OfType<HelpOption>())
        {
            help.Action = new HelpWithSettings();
        }

        root.SetAction(async (result, cancellationToken) =>
        {
            var source = SourceOf(result, config, settings);
            if (await ReadAsync(source, result) is not { } read)
            {
                return BadConfiguration;
            }

            return result.GetValue(check) ? await CheckAsync(read, result.InvocationConfiguration) : await run(read, source, cancellationToken);
        });
        return root;
    }

    private static SettingsSource SourceOf(ParseResult result, System.CommandLine.Option<FileInfo?> config, Argument<string[]> settings) => new(
        result.GetValue(config)?.FullName ?? Environment.GetEnvironmentVariable("RELAY_CONFIG"),
        [.. result.GetValue(settings) ?? [], .. result.UnmatchedTokens]);

    // Null: there are errors, and they are printed.
    private static async Task<RelaySettings?> ReadAsync(SettingsSource source, ParseResult result)
    {
        var read = source.Read(out var errors);
        if (errors.Count == 0)
        {
            return read;
        }

        var output = result.InvocationConfiguration.Error;
        await WriteAsync(output, errors);
        await output.WriteLineAsync("relayd --help lists every option with its range and default.");
        return null;
    }

    private static async Task<int> CheckAsync(RelaySettings settings, InvocationConfiguration streams)
    {
        var errors = ConfigurationCheck.Errors(settings, OpenFiles.Limit).ToList();
        if (errors.Count > 0)
        {
            await WriteAsync(streams.Error, errors);
            return BadConfiguration;
        }

        foreach (var warning in ConfigurationCheck.Warnings(settings, OpenFiles.Limit, TimeProvider.System.GetUtcNow()))
        {
            await streams.Error.WriteLineAsync($"warning: {warning}");
        }

        await streams.Output.WriteLineAsync("Configuration OK");
        return 0;
    }

    private static async Task WriteAsync(TextWriter output, IReadOnlyList<string> errors)
    {
        await output.WriteLineAsync($"relayd: {errors.Count} configuration error{(errors.Count == 1 ? "" : "s")}:");
        foreach (var error in errors)
        {
            await output.WriteLineAsync($"  {error}");
        }
    }

    /// <summary>Runs what the command line says; the exit code.</summary>
    public static async Task<int> InvokeAsync(string[] args, Func<RelaySettings, SettingsSource, CancellationToken, Task<int>> run)
    {
        var parsed = Create(run).Parse(args);
        if (parsed.Action is ParseErrorAction)
        {
            // The library's own answer is all of the help, and exit code 1.
            foreach (var error in parsed.Errors)
            {
                await Console.Error.WriteLineAsync($"relayd: {error.Message}");
            }

            await Console.Error.WriteLineAsync("relayd --help lists every option with its range and default.");
            return BadConfiguration;
        }

        // Lifetime handles the signals: the library's own handling would exit with 143 two seconds after the first.
        return await parsed.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null });
    }

    private sealed class HelpWithSettings : SynchronousCommandLineAction
    {
        public override int Invoke(ParseResult parseResult)
        {
            var output = parseResult.InvocationConfiguration.Output;
            if (parseResult.CommandResult.Command is not RootCommand)
            {
                output.Write(parseResult.CommandResult.Command.Name is "config" or "show" ? ConfigurationShow.Help : MigrateStorageCommand.Help);
                return 0;
            }

            output.WriteLine("""
                relayd, a WebSocket relay and WebRTC signaling server.

                Usage:
                  relayd [--config FILE] [--Section:Option=value ...]
                  relayd config show [--config FILE] [...]              Show each option's value and where it comes from.
                  relayd migrate-storage --from FILE --to CONNECTION    Copy a SQLite file into PostgreSQL; --help says more.

                Options:
                  -c, --config FILE  JSON file with settings; wins over appsettings.json beside the program. Also RELAY_CONFIG.
                  --check-config     Check the configuration and the files that it names, and exit (0 OK, 2 errors).
                  -?, -h, --help     Show this.
                  --version          Show the version.

                Examples:
                  relayd --Listen:Port=9100 --Admission:PerIp=20
                  relayd --config /etc/relay/relay.json --check-config
                  RELAY_ADMISSION__PERIP=20 relayd

                Settings (in a file {"Admission": {"PerIp": 50}}; the command line wins over the environment, that over files):
                """);
            var width = SettingCatalog.All.Max(option => option.Path.Length);
            foreach (var option in SettingCatalog.All)
            {
                output.WriteLine($"  --{option.Path.PadRight(width)}  {option.Default}  [{option.Allowed}]{(option.IsLive ? "  live" : "")}");
            }

            output.WriteLine();
            output.WriteLine("live: a changed value takes effect without a restart (SIGHUP, relayctl reload). docs/configuration.md says what each option does.");
            return 0;
        }
    }
}
