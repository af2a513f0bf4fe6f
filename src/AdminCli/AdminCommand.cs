using System.CommandLine;
using System.CommandLine.Help;
using Relay.AdminCli.Commands;

namespace Relay.AdminCli;

/// <summary>The root: what is common to all commands, and the list of them.</summary>
internal static class AdminCommand
{
    private const int BrokenPipe = 32;

    // Without this a value such as "@team" would be read as the name of a file with more options.
    private static readonly ParserConfiguration Parsing = new() { ResponseFileTokenReplacer = null };

    public static RootCommand Create(CommandContext context)
    {
        var globals = new GlobalOptions(context);
        var root = new RootCommand("Monitor and control a running relayd.")
        {
            globals.Server,
            globals.Context,
            globals.Output,
            globals.Timeout,
            globals.TokenFile,
            globals.CaFile,
            globals.Certificate,
            globals.Key,
            StatsCommand.Create(globals, context),
            TopCommand.Create(globals, context),
            DashboardCommand.Create(globals),
            IpsCommand.Create(globals, context),
            LimitsCommand.Create(globals, context),
            SetLimitCommand.Create(globals, context),
            ConnectionsCommand.Create(globals, context),
            DisconnectCommand.Create(globals, context),
            DrainCommand.Create(globals, context),
            UpgradeCommand.Create(globals, context),
            ExplainCommand.Create(globals, context),
            TailCommand.Create(globals, context),
            ConfirmCommand.Create(globals, context),
            OverridesCommand.Create(globals, context),
            BanCommand.Create(globals, context),
            UnbanCommand.Create(globals, context),
            BansCommand.Create(globals, context),
            ClusterCommand.Create(globals, context),
            PeersCommand.Create(globals, context),
            FederationCommand.Create(globals, context),
            RelaysCommand.Create(globals, context),
            ChannelsCommand.Create(globals, context),
            VerifyCommand.Create(globals, context),
            HealthCommand.Create(globals, context),
            CheckCommand.Create(globals, context),
            DoctorCommand.Create(globals, context),
            ConfigCommand.Create(globals, context),
            ReloadCommand.Create(globals, context),
            EventsCommand.Create(globals, context),
            AuditCommand.Create(globals, context),
            TokenCommand.Create(globals, context),
            ContextCommand.Create(globals, context),
            CompletionCommand.Create(),
            VersionCommand.Create(globals, context),
            HelpCommand.Create(),
        };
        // The library's own has Windows' spellings, /? and /h, which a shell's completion would then offer as well.
        root.Options.Remove(root.Options.OfType<HelpOption>().Single());
        var help = new HelpWithExamples(context.Terminal);
        root.Options.Add(new HelpOption("--help", "-h") { Action = help });
        root.SetAction(help.Invoke);
        return root;
    }

    /// <summary>Parses, runs, and gives the exit code. No exception leaves it.</summary>
    public static async Task<int> RunAsync(IReadOnlyList<string> args, CommandContext context, InvocationConfiguration configuration)
    {
        configuration.EnableDefaultExceptionHandler = false;
        try
        {
            try
            {
                var parsed = Create(context).Parse(args, Parsing);
                return UsageError.Report(parsed, configuration.Error) ?? await parsed.InvokeAsync(configuration);
            }
            finally
            {
                await configuration.Output.FlushAsync(CancellationToken.None);
            }
        }
        catch (IOException e) when (e.HResult == BrokenPipe)
        {
            // The reader of our output has closed it (`| head`).
            return ExitCodes.Ok;
        }
        catch (Exception e) when (e is UnauthorizedAccessException || e.GetType() == typeof(IOException))
        {
            // A full disk, an output that was closed. Not IOException's subclasses: a missing assembly is one of them.
            configuration.Error.WriteLine($"Cannot write the output: {Printable.Clean(e.Message)}");
            return ExitCodes.Rejected;
        }
        catch (Exception e)
        {
            // A bug in relayctl; the operator can do nothing with a stack trace.
            configuration.Error.WriteLine($"relayctl failed ({e.GetType().Name}): {Printable.Clean(e.Message)}\nThis is a bug in relayctl; please report it with the command line.");
            return ExitCodes.Rejected;
        }
    }
}
