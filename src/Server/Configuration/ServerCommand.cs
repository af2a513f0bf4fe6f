using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.Reflection;
using System.Text.Json;
using Microsoft.Extensions.Configuration.CommandLine;

namespace Relay.Configuration;

/// <summary>relayd's command line: where the settings come from, and whether to run or only to check.</summary>
internal static class ServerCommand
{
    public const int BadConfiguration = 2;

    public static string Version { get; } =
        typeof(ServerCommand).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];

    private static RootCommand Create(Func<RelaySettings, CancellationToken, Task<int>> run)
    {
        var config = new System.CommandLine.Option<FileInfo?>("--config", "-c");
        var check = new System.CommandLine.Option<bool>("--check-config");
        var settings = new Argument<string[]>("settings") { Arity = ArgumentArity.ZeroOrMore };
        var root = new RootCommand { config, check, settings };
        root.TreatUnmatchedTokensAsErrors = false;
        foreach (var help in root.Options.OfType<HelpOption>())
        {
            help.Action = new HelpWithSettings();
        }

        root.SetAction(async (result, cancellationToken) =>
        {
            var given = (result.GetValue(settings) ?? []).Concat(result.UnmatchedTokens).ToArray();
            var errors = new List<string>();
            var read = Read(result.GetValue(config)?.FullName ?? Environment.GetEnvironmentVariable("RELAY_CONFIG"), given, errors);
            if (errors.Count > 0)
            {
                var output = result.InvocationConfiguration.Error;
                await output.WriteLineAsync($"relayd: {errors.Count} configuration error{(errors.Count == 1 ? "" : "s")}:");
                foreach (var error in errors)
                {
                    await output.WriteLineAsync($"  {error}");
                }

                await output.WriteLineAsync("relayd --help lists every option with its range and default.");
                return BadConfiguration;
            }

            if (result.GetValue(check))
            {
                await result.InvocationConfiguration.Output.WriteLineAsync("Configuration OK");
                return 0;
            }

            return await run(read!, cancellationToken);
        });
        return root;
    }

    /// <summary>Runs what the command line says; the exit code.</summary>
    public static async Task<int> InvokeAsync(string[] args, Func<RelaySettings, CancellationToken, Task<int>> run)
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

    private static RelaySettings? Read(string? file, string[] given, List<string> errors)
    {
        foreach (var token in given.Where(token => !token.StartsWith("--", StringComparison.Ordinal) || !token.Contains('=')))
        {
            errors.Add($"'{token}' is not understood; options are written --Section:Option=value");
        }

        if (file is not null && !File.Exists(file))
        {
            errors.Add($"--config: there is no file '{file}'");
        }

        if (errors.Count > 0)
        {
            return null;
        }

        try
        {
            var builder = new ConfigurationBuilder()
                .AddJsonFile(Path.Combine(AppContext.BaseDirectory, "appsettings.json"), optional: true);
            if (file is not null)
            {
                builder.AddJsonFile(Path.GetFullPath(file));
            }

            builder.AddEnvironmentVariables("RELAY_");
            builder.Add(new CommandLineConfigurationSource { Args = given });
            var settings = SettingsReader.Read(builder.Build(), out var found);
            errors.AddRange(found);
            return settings;
        }
        catch (InvalidDataException exception)
        {
            // Not JSON, or not readable: the innermost exception says why. Its own line numbers begin at 0.
            var why = exception.GetBaseException() is JsonException json
                ? $"line {json.LineNumber + 1}: {json.Message.Split(" LineNumber:")[0]}"
                : exception.InnerException?.Message;
            errors.Add($"{exception.Message} {why}".TrimEnd());
            return null;
        }
    }

    private sealed class HelpWithSettings : SynchronousCommandLineAction
    {
        public override int Invoke(ParseResult parseResult)
        {
            var output = parseResult.InvocationConfiguration.Output;
            output.WriteLine("""
                relayd, a WebSocket relay and WebRTC signaling server.

                Usage:
                  relayd [--config FILE] [--Section:Option=value ...]

                Options:
                  -c, --config FILE  JSON file with settings; wins over appsettings.json beside the program. Also RELAY_CONFIG.
                  --check-config     Check the configuration and exit (0 OK, 2 errors).
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
                output.WriteLine($"  --{option.Path.PadRight(width)}  {option.Default}  [{option.Allowed}]");
            }

            output.WriteLine();
            output.WriteLine("docs/configuration.md says what each of them does.");
            return 0;
        }
    }
}
