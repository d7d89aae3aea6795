// Finds the class with the highest score (the first of equals) and keeps it where a processor reads it.
//
// Scores come as AXI4-Stream frames, one a beat. The bus is as simple as can be: with `bus_read` high in a cycle,
// `bus_data` is the register at `bus_address` in the next one.
//
//   0  status   bit 0: a result has come since this register was read last; bit 1: a frame had a wrong length
//   1  class    of the latest result
//   2  score    of it, sign-extended
//   3  count    of results in bits 15 to 0, of skipped pictures in bits 31 to 16
module result (
  input  wire        clk,
  input  wire        rst_n,      // synchronous, active low

  input  wire [7:0]  s_axis_tdata,
  input  wire        s_axis_tvalid,
  output wire        s_axis_tready,
  input  wire        s_axis_tlast,
  input  wire        frame_error,
  input  wire [15:0] skipped,

  input  wire        bus_read,
  input  wire [1:0]  bus_address,
  output reg  [31:0] bus_data
);

  // The best of the frame so far.
  reg [7:0] index, best_index;
  reg signed [7:0] best;
  wire signed [7:0] score = s_axis_tdata;
  wire better = index == 8'd0 || score > best;
  wire taken = s_axis_tvalid && s_axis_tready;
  assign s_axis_tready = rst_n;

  reg is_new;
  reg [7:0] winner;
  reg signed [7:0] winning_score;
  reg [15:0] count;
  wire finished = taken && s_axis_tlast;
  always @(posedge clk) begin
    if (taken) begin
      index <= s_axis_tlast ? 8'd0 : index + 8'd1;
      if (better) begin
        best <= score;
        best_index <= index;
      end
    end
    if (finished) begin
      winner <= better ? index : best_index;
      winning_score <= better ? score : best;
      count <= count + 16'd1;
    end
    // a result that comes while the register is read is not lost
    is_new <= finished || (is_new && !(bus_read && bus_address == 2'd0));
    if (bus_read)
      case (bus_address)
        2'd0: bus_data <= {30'd0, frame_error, is_new};
        2'd1: bus_data <= {24'd0, winner};
        2'd2: bus_data <= {{24{winning_score[7]}}, winning_score};
        2'd3: bus_data <= {skipped, count};
      endcase
    if (!rst_n) begin
      index <= 8'd0;
      is_new <= 1'b0;
      count <= 16'd0;
      winner <= 8'd0;
      winning_score <= 8'd0;
    end
  end

endmodule
