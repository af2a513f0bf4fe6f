using System.CommandLine;
using Relay.AdminApi;

namespace Relay.AdminCli.Commands;

/// <summary>What the relay was configured with.</summary>
internal static class ConfigCommand
{
    private static readonly Column[] Columns = [new("OPTION"), new("SOURCE"), new("RELOAD", Wide: true), new("DEFAULT", Wide: true), new("VALUE")];

    public static Command Create(GlobalOptions globals, CommandContext context) => new ExampleCommand(
        "config",
        "Shows the configuration that the relay runs with.",
        "Requires the role admin. `relayd config show` shows what a relay would start with.",
        "relayctl config show",
        "relayctl config show -o csv | grep -v ,default,")
    {
        Show(globals, context),
    };

    private static Command Show(GlobalOptions globals, CommandContext context)
    {
        var changed = new Option<bool>("--changed") { Description = "Only options that are configured, wherever: not those with their default." };
        var command = new ExampleCommand(
            "show",
            "Shows each option's value and where it comes from.",
            "SOURCE is default, a file on the relay's machine, an environment variable of relayd, or its command line. Values that may hold a password are not shown. "
                + "With -o wide also whether a reload applies a new value, and the default. What was changed while the relay runs is in `relayctl limits`.",
            "relayctl config show --changed",
            "relayctl config show -o json | jq -r '.options[] | select(.name == \"Listen:Port\") | .value'")
        {
            changed,
        };
        return command.WithAction(globals, context, async call =>
        {
            var response = await call.Connection.Configuration.GetConfigurationAsync(new GetConfigurationRequest(), call.Unary);
            return Show(call.Output, response, call.Options.GetValue(changed));
        });
    }

    internal static int Show(Output output, GetConfigurationResponse response, bool onlyChanged)
    {
        var rows = response.Options.Where(option => !onlyChanged || option.Source != "default").ToArray();
        output.List(new GetConfigurationResponse { Options = { rows } }, [GetConfigurationResponse.OptionsFieldNumber], () =>
        {
            if (rows.Length == 0)
            {
                output.Line("Every option has its default.");
            }
            else
            {
                output.Table(Columns, [.. rows.Select(Row)]);
            }
        });
        return ExitCodes.Ok;
    }

    // The value comes last: it may have blanks in it.
    private static string[] Row(ConfiguredOption option) =>
    [
        Printable.Word(option.Name),
        Printable.Word(option.Source),
        option.Live ? "yes" : "no",
        Printable.Word(option.Default),
        option.Hidden ? "(hidden)" : Printable.CleanOrUnknown(option.Value),
    ];
}
