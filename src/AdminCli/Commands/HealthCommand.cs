using System.CommandLine;
using Grpc.Health.V1;

namespace Relay.AdminCli.Commands;

/// <summary>Asks the standard gRPC health service.</summary>
internal static class HealthCommand
{
    public static Command Create(GlobalOptions globals, CommandContext context) =>
        new ExampleCommand(
            "health",
            "Checks whether the relay is ready.",
            "Calls the standard gRPC health service (grpc.health.v1). Prints `serving` with exit code 0; `not serving`, for example while the relay drains, with exit code 1.",
            "relayctl health",
            "until relayctl health; do sleep 1; done    # wait until it is ready")
            .WithAction(globals, context, CheckAsync);

    private static async Task<int> CheckAsync(AdminCall call)
    {
        var response = await call.Connection.Health.CheckAsync(new HealthCheckRequest(), call.Unary);
        return Show(call.Output, response);
    }

    internal static int Show(Output output, HealthCheckResponse response)
    {
        output.Answer(response, () =>
        {
            output.Line(response.Status switch
            {
                HealthCheckResponse.Types.ServingStatus.Serving => "serving",
                HealthCheckResponse.Types.ServingStatus.NotServing => "not serving",
                HealthCheckResponse.Types.ServingStatus.ServiceUnknown => "service unknown",
                _ => "unknown",
            });
        });

        return response.Status == HealthCheckResponse.Types.ServingStatus.Serving ? ExitCodes.Ok : ExitCodes.Rejected;
    }
}
